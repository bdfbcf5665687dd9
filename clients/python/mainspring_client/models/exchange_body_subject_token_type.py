from enum import StrEnum


class ExchangeBodySubjectTokenType(StrEnum):
    URNIETFPARAMSOAUTHTOKEN_TYPEID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
    URNIETFPARAMSOAUTHTOKEN_TYPEJWT = "urn:ietf:params:oauth:token-type:jwt"

    def __str__(self) -> str:
        return str(self.value)
