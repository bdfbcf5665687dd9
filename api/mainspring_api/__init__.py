"""The HTTP API: a superset of Airflow 3's `/api/v2`, served by Flask.

`mainspring_api.app.create_app` makes the application; it is not imported here, so that settings and the private files
of a home folder can be used without loading a web framework.
"""

from mainspring_api.settings import ApiSettings, FirstUser, OidcSettings

__all__ = ["ApiSettings", "FirstUser", "OidcSettings"]
