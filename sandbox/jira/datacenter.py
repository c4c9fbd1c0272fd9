"""Entities of Data Center made of those of Cloud: users by name and key, no levels, epic links."""

from hashlib import sha256
from typing import Any

from sandbox.generate.site import EPIC_LINK_FIELD, SPRINT_FIELD
from sandbox.jira.facts import Entity

_BY_PERSON = ("assignee", "reporter", "creator")
_SPRINT_TEXT = (
    "com.atlassian.greenhopper.service.sprint.Sprint@{mark}[id={id},rapidViewId={boardId},"
    "state={state},name={name},startDate={startDate},endDate={endDate},"
    "completeDate={completeDate},activatedDate={startDate},sequence={id},goal={goal},"
    "autoStartStop=false,synced=false]"
)


def user_key(account_id: str) -> str:
    """Return the key of the user who has this account id in Cloud."""
    return f"JIRAUSER{int(sha256(account_id.encode()).hexdigest()[:8], 16)}"


def user(account: Entity) -> Entity:
    """Return an account as Data Center has it; one without an id stays as it is."""
    account_id = account.get("accountId")
    if not account_id:
        return {name: value for name, value in account.items() if name != "accountId"}
    key = user_key(account_id)
    words = str(account.get("displayName", "")).lower().split()
    name = ".".join([*words, key[-4:]])
    kept = {n: v for n, v in account.items() if n not in ("accountId", "accountType", "self")}
    address = str(account.get("self", "")).partition("/rest/")[0]
    link = f"{address}/rest/api/2/user?username={name}"
    return {"self": link, "name": name, "key": key, "emailAddress": f"{name}@example.com", **kept}


def converted(value: Any) -> Any:
    """Return a value with the accounts and types in it as Data Center has them."""
    if isinstance(value, list):
        return [converted(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "accountId" in value:
        return user(value)
    return {name: converted(each) for name, each in value.items() if name != "hierarchyLevel"}


def issue(entity: Entity) -> Entity:
    """Return an issue as Data Center has it: only sub-tasks have a parent, others an epic link."""
    made: Entity = converted(entity)
    fields = made["fields"]
    parent = fields.get("parent")
    if parent is not None and not fields["issuetype"]["subtask"]:
        fields[EPIC_LINK_FIELD] = fields.pop("parent")["key"]
    sprints = fields.get(SPRINT_FIELD)
    if sprints:
        fields[SPRINT_FIELD] = [_sprint_text(sprint) for sprint in sprints]
    for history in made["changelog"]["histories"]:
        for item in history["items"]:
            _user_item(item)
    return made


def _user_item(item: Entity) -> None:
    for name in ("tmpFromAccountId", "tmpToAccountId"):
        item.pop(name, None)
    if item["field"] in _BY_PERSON:
        for side in ("from", "to"):
            item[side] = user_key(item[side]) if item[side] else None
    # Data Center names the field, but not by its id.
    item.pop("fieldId", None)


def _sprint_text(sprint: Entity) -> str:
    values = {
        name: sprint.get(name) or "<null>"
        for name in ("id", "boardId", "name", "startDate", "endDate", "completeDate")
    }
    mark = f"{sprint['id']:x}"
    goal = sprint.get("goal") or ""
    return _SPRINT_TEXT.format(mark=mark, state=sprint["state"].upper(), goal=goal, **values)
