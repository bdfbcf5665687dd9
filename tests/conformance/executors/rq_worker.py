"""A worker in a process of its own. Arguments: its settings, as JSON."""

import json
import logging
import sys
from datetime import timedelta
from pathlib import Path

from mainspring_executors.rq.worker import WorkerSettings, run_worker

settings = json.loads(sys.argv[1])
logging.basicConfig(stream=sys.stderr, level=logging.INFO)
settings |= {name: tuple(settings[name]) for name in ("http_allow", "environment")}
settings |= {"code_path": tuple(map(Path, settings["code_path"])), "state_dir": Path(settings["state_dir"])}
sys.exit(run_worker(WorkerSettings(close_grace=timedelta(0), **settings)))
