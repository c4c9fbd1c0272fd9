"""What the site is set up with, and who asks."""

from typing import Any

from sandbox.accounts import FULL, Account
from sandbox.jira import datacenter
from sandbox.jira.accounts import cloud_id
from sandbox.jira.calls import ApiError, Call, names, page_of
from sandbox.jira.facts import Entity
from sandbox.jira.setup import embedded_type

_CATEGORIES = {"new": "TODO", "indeterminate": "IN_PROGRESS", "done": "DONE"}


def server_info(call: Call) -> Any:
    """Answer GET serverInfo; nobody needs to sign in for it."""
    is_cloud = call.organisation.options.is_cloud
    version = "1001.0.0-SNAPSHOT" if is_cloud else "9.12.15"
    return {
        "baseUrl": call.base,
        "displayUrl": call.base,
        "version": version,
        "versionNumbers": [1001, 0, 0] if is_cloud else [9, 12, 15],
        "deploymentType": "Cloud" if is_cloud else "Server",
        "buildNumber": 100_287 if is_cloud else 9_120_015,
        "buildDate": "2026-10-01T00:00:00.000+0000",
        "serverTime": call.store.time_text(call.store.clock.now),
        "scmInfo": "sandbox",
        "serverTitle": "Jira",
        "defaultLocale": {"locale": "en_US"},
        **({"serverTimeZone": call.store.time_zone} if is_cloud else {}),
    }


def tenant_info(call: Call) -> Any:
    """Answer GET _edge/tenant_info: the site's id, for everybody."""
    return {"cloudId": cloud_id(call.organisation)}


def myself(call: Call) -> Any:
    """Answer GET myself."""
    account = call.organisation.accounts.accounts[call.account]
    entity = _person(call, account)
    return entity if call.organisation.options.is_cloud else datacenter.user(entity)


def _person(call: Call, account: Account) -> Entity:
    version = call.part.get("version", "3")
    return {
        "self": f"{call.base}/rest/api/{version}/user?accountId={account.account_id}",
        "accountId": account.account_id,
        "accountType": "atlassian",
        "emailAddress": account.email,
        "avatarUrls": {},
        "displayName": account.display_name,
        "active": True,
        "timeZone": call.store.time_zone,
        "locale": "en_US",
        "groups": {"size": 0, "items": []},
        "applicationRoles": {"size": 0, "items": []},
        "expand": "groups,applicationRoles",
    }


def users(call: Call) -> Any:
    """Answer GET users/search: a bare list."""
    start, size = call.number("startAt", 0, 1 << 40), call.number("maxResults", 50, 1_000)
    return call.store.setup.users(start, size)


def _visible_projects(call: Call, *, archived: bool = False) -> list[Entity]:
    setup = call.store.setup
    visible = call.store.visible_projects(call.account)
    away = call.organisation.accounts.hidden(call.account, "project")
    return [
        project
        for project in setup.projects
        if int(project["id"]) in visible
        or (archived and project["id"] in setup.archived and project["id"] not in away)
    ]


def projects(call: Call) -> Any:
    """Answer GET project: a bare list."""
    return _visible_projects(call)


def project_search(call: Call) -> Any:
    """Answer GET project/search; `status` also finds archived ones."""
    wanted = names(call.text("status") or "live", "status")
    ids = set(call.request.query_params.getlist("id"))
    keys = {key.upper() for key in call.request.query_params.getlist("keys")}
    found = [
        project
        for project in _visible_projects(call, archived=True)
        if ("archived" if project["id"] in call.store.setup.archived else "live") in wanted
        and (not ids or project["id"] in ids)
        and (not keys or project["key"] in keys)
        and call.text("query").lower() in f"{project['key']} {project.get('name')}".lower()
    ]
    found.sort(key=lambda project: str(project["key"]))
    page = page_of(found, call, 50, 100)
    address = f"{call.base}/rest/api/{call.part['version']}/project/search"
    page = {"self": f"{address}?maxResults={page['maxResults']}&startAt={page['startAt']}"} | page
    if not page["isLast"]:
        following = page["startAt"] + len(page["values"])
        page["nextPage"] = f"{address}?maxResults={page['maxResults']}&startAt={following}"
    return page


def project(call: Call) -> Any:
    """Answer GET project/{idOrKey}."""
    found = _project(call)
    setup = call.store.setup
    types = [setup.type(each) for each in setup.types_of.get(found["id"], ())]
    entity = found | {"issueTypes": [embedded_type(each) for each in types if each]}
    entity |= {"components": [], "versions": [], "roles": {}, "assigneeType": "UNASSIGNED"}
    entity |= {"description": "", "lead": _person(call, call.organisation.accounts.accounts[FULL])}
    is_archived = found["id"] in setup.archived
    if not call.organisation.options.is_cloud:
        return datacenter.converted(entity) | {"archived": is_archived}
    return entity | {"archived": True} if is_archived else entity


def _project(call: Call) -> Entity:
    found = call.store.setup.project(call.part["id"])
    if found is None or found not in _visible_projects(call, archived=True):
        raise ApiError(404, f"No project could be found with key '{call.part['id']}'.")
    return found


def project_statuses(call: Call) -> Any:
    """Answer GET project/{idOrKey}/statuses: the statuses of each of its types."""
    found, setup = _project(call), call.store.setup
    statuses = [setup.status(each) for each in setup.statuses_of.get(found["id"], ())]
    listed = [each for each in statuses if each]
    types = [setup.type(each) for each in setup.types_of.get(found["id"], ())]
    return [
        {name: kind[name] for name in ("self", "id", "name", "subtask")} | {"statuses": listed}
        for kind in types
        if kind
    ]


def issue_types(call: Call) -> Any:
    """Answer GET issuetype: without those of projects that are not seen."""
    return [each for each in call.store.setup.types if _is_visible(call, each)]


def _is_visible(call: Call, entity: Entity) -> bool:
    owner = entity.get("scope", {}).get("project", {}).get("id")
    return call.store.sees_project(owner, call.account)


def statuses(call: Call) -> Any:
    """Answer GET status: a bare list."""
    return [each for each in call.store.setup.statuses if _is_visible(call, each)]


def status_search(call: Call) -> Any:
    """Answer GET statuses/search, which administrators may."""
    if call.account != FULL:
        text = "The user does not have permission to administer Jira or a project."
        raise ApiError(403, text)
    found = [
        {
            "id": each["id"],
            "name": each["name"],
            "statusCategory": _CATEGORIES.get(each["statusCategory"]["key"], "TODO"),
            "scope": each.get("scope", {"type": "GLOBAL"}),
            "description": each.get("description", ""),
        }
        for each in call.store.setup.statuses
        if _is_visible(call, each)
    ]
    address = f"{call.base}/rest/api/3/statuses/search"
    return {"self": address, **page_of(found, call, 200, 200)}


def fields(call: Call) -> Any:
    """Answer GET field: a bare list."""
    return call.store.setup.fields


def field_search(call: Call) -> Any:
    """Answer GET field/search."""
    kinds = {"custom": True, "system": False}
    wanted = {kinds[each] for each in names(call.text("type"), "type") if each in kinds}
    found = [f for f in call.store.setup.fields if not wanted or f["custom"] in wanted]
    shown = [
        {name: field[name] for name in ("id", "name", "schema")}
        for field in found
        if "schema" in field
    ]
    return page_of(shown, call, 50, 50)


def my_permissions(call: Call) -> Any:
    """Answer GET mypermissions for the permissions that are named."""
    asked = names(call.text("permissions") or None, "permissions")
    if not asked:
        raise ApiError(400, "The 'permissions' query parameter is required.")
    return {
        "permissions": {
            name: {
                "id": str(number),
                "key": name,
                "name": name.replace("_", " ").capitalize(),
                "type": "PROJECT",
                "description": "",
                "havePermission": name == "BROWSE_PROJECTS" or call.account == FULL,
            }
            for number, name in enumerate(asked)
        }
    }
