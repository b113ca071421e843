"""Who asks, and about what: a session that is made anew whenever a case has ended it, and ids and secrets that exist."""

import itertools
import os
import uuid

import requests
import schemathesis

API = os.environ["FUZZ_API"]
PERSON = os.environ["FUZZ_PERSON"]
PASSWORD = os.environ["FUZZ_PASSWORD"]

DELAY = {"task_type": "delay_task", "payload": {"delay_seconds": 0}}
NIGHTLY = {"name": "nightly", "cron": "0 3 * * *", "time_zone": "UTC", **DELAY}
KEY = {"name": "generated", "scopes": ["tasks:read"]}
# Of each feature whose things are made by one request: its path, and what is sent.
THINGS = {
    "notes": {"title": "Generated", "content": "by a hook", "is_public": False},
}


class Person:
    """The account behind all requests of this run."""

    def __init__(self):
        self.username = PERSON
        self.id = None
        self.token = None
        self.made = itertools.count()
        self.things = {}

    def log_in(self):
        answer = self.send("POST", "auth/login", self.login())
        if answer.status_code == 401:
            # The first time on this database: an ordinary user makes the account as everybody does.
            self.send("POST", "auth/register", {**self.login(), "email": f"{self.username}@example.com"})
            answer = self.send("POST", "auth/login", self.login())
        answer.raise_for_status()
        session = answer.json()["data"]
        self.id = session["user"]["id"]
        self.token = session["session_token"]
        return self.token

    def login(self):
        return {"username": self.username, "password": PASSWORD}

    def send(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token and not path.startswith("auth/login") else {}
        return requests.request(method, f"{API}/{path}", json=body, headers=headers, timeout=30)

    def make(self, path, body):
        """The id of a new thing; none where this person may make none."""
        answer = self.send("POST", path, body)
        return answer.json()["data"]["id"] if answer.ok else None

    def thing(self, path, is_last):
        """The id of something that the path is about; the same one until it was deleted."""
        kind = path.split("{")[0]
        if kind not in self.things:
            self.things[kind] = self.new_thing(path)
        return self.things.pop(kind) if is_last else self.things[kind]

    def new_thing(self, path):
        if path.startswith("/api/v1/users/"):
            name = f"grace-{next(self.made)}"
            return self.make("users", {"username": name, "email": f"{name}@example.com", "password": PASSWORD})
        if path.startswith("/api/v1/tasks/schedules/"):
            return self.make("tasks/schedules", {**NIGHTLY, "name": f"nightly {next(self.made)}"})
        if path.startswith("/api/v1/tasks/"):
            return self.make("tasks", DELAY)
        if path.startswith("/api/v1/api-keys/"):
            self.send("DELETE", "api-keys")
            return self.make("api-keys", KEY)
        feature = path.removeprefix("/api/v1/").split("/")[0]
        return self.make(feature, THINGS[feature]) if feature in THINGS else None


person = Person()
turn = itertools.count()


if PERSON != "anonymous":

    @schemathesis.auth(retry_on=[401])
    class Session:
        def get(self, case, context):
            return person.log_in()

        def set(self, case, token, context):
            case.headers = case.headers or {}
            case.headers["Authorization"] = f"Bearer {token}"


def is_id(text):
    try:
        return str(uuid.UUID(text)) == text.lower()
    except (AttributeError, TypeError, ValueError):
        return False


@schemathesis.hook
def before_call(context, case, kwargs):
    # Made up, an id is of nothing and a password is wrong, so nothing behind would ever be tried: every second good request gets one that is right.
    is_good = case.meta is not None and case.meta.generation.mode.is_positive
    if PERSON == "anonymous" or person.token is None or not is_good or next(turn) % 2:
        return
    parameters = case.path_parameters or {}
    if is_id(parameters.get("id")):
        parameters["id"] = person.thing(case.path, case.method.upper() == "DELETE") or parameters["id"]
    if "name" in parameters:
        parameters["name"] = "delay_task"
    if not isinstance(case.body, dict):
        return
    if case.path.endswith("/auth/login"):
        case.body = person.login()
    elif case.path.endswith("/auth/sudo"):
        case.body["password"] = PASSWORD
    elif "task_type" in case.body and "payload" in case.body:
        case.body.update(DELAY)
        if "cron" in case.body:
            case.body.update(cron=NIGHTLY["cron"], time_zone=NIGHTLY["time_zone"])


@schemathesis.hook
def after_call(context, case, response):
    # A case may rename the account; from then on it logs in by the new name.
    if response.status_code == 200 and case.method.upper() == "PUT" and case.path.endswith("/profile"):
        profile = response.json()["data"]
        if profile["id"] == person.id:
            person.username = profile["username"]
