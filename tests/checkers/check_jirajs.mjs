// Read the sandbox's Jira through jira.js with strict schemas; print one JSON object.
// usage: AUDIT_SCHEMAS=true node check_jirajs.mjs DIRECTORY-OF-node_modules READY-LINE
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , directory, line] = process.argv;
const ready = JSON.parse(line);
const at = name => pathToFileURL(path.join(directory, 'node_modules/jira.js/dist', name)).href;
const { createClient } = await import(at('core/index.js'));
const { createCloudClient, createAgileClient, isNotFoundError, isAuthError, isRateLimitError, isApiError } =
  await import(at('index.js'));

const connect = apiToken =>
  createClient({
    host: ready.jira.base_url,
    auth: { type: 'basic', email: ready.jira.user, apiToken },
    onSchemaMismatch: 'throw',
  });
const client = connect(ready.jira.token);
const jira = createCloudClient(client);
const agile = createAgileClient(client);
const root = ready.ledger.replace(/\/ledger$/, '');
const control = (what, body) =>
  fetch(`${root}/control/${what}`, { method: 'POST', body: JSON.stringify(body) });

async function allIssues(jql, size) {
  const ids = [];
  let nextPageToken;
  do {
    const page = await jira.issueSearch.searchAndReconsileIssuesUsingJqlPost({
      jql,
      nextPageToken,
      maxResults: size,
      fields: ['*all'],
      expand: 'changelog,names,schema',
    });
    ids.push(...page.issues.map(issue => issue.id));
    nextPageToken = page.nextPageToken;
  } while (nextPageToken);
  return ids;
}

async function refusal(call, is) {
  try {
    await call();
  } catch (error) {
    return is(error) ? { status: error.status, body: error.body, retryAfterMs: error.retryAfterMs } : String(error);
  }
  return 'was not refused';
}

const found = {};
found.server = (await jira.serverInfo.getServerInfo()).deploymentType;
found.zone = (await jira.myself.getCurrentUser()).timeZone;
found.issues = await allIssues('created >= 0 ORDER BY updated ASC, id ASC', 40);
found.count = (await jira.issueSearch.countIssues({ jql: 'created >= 0' })).count;
const byQuery = await jira.issueSearch.searchAndReconsileIssuesUsingJql({
  jql: 'created >= 0 ORDER BY id ASC',
  maxResults: 5,
  fields: ['summary', 'status'],
});
found.byQuery = byQuery.issues.map(issue => issue.key);
const [first, second] = byQuery.issues;
const issue = await jira.issues.getIssue({ issueIdOrKey: first.key, expand: 'changelog' });
found.issue = [issue.id, issue.fields.issuetype.name];
const changes = await jira.issues.getChangeLogs({ issueIdOrKey: first.key, maxResults: 2 });
found.changes = [changes.total, issue.changelog.total];
const issueIdsOrKeys = [first.id, second.id];
found.bulk = (await jira.issues.bulkFetchIssues({ issueIdsOrKeys: [...issueIdsOrKeys, '1'], fields: ['summary'] })).issues.length;
let histories = 0;
let nextPageToken;
do {
  const page = await jira.issues.getBulkChangelogs({ issueIdsOrKeys, maxResults: 3, nextPageToken });
  for (const each of page.issueChangeLogs) histories += each.changeHistories.length;
  nextPageToken = page.nextPageToken;
} while (nextPageToken);
const other = await jira.issues.getChangeLogs({ issueIdOrKey: second.key });
found.bulkHistories = [histories, changes.total + other.total];
const projects = await jira.projects.searchProjects({ maxResults: 2 });
found.projects = [projects.values.length, projects.total];
await jira.projects.getProject({ projectIdOrKey: projects.values[0].key });
await jira.projects.getAllStatuses({ projectIdOrKey: projects.values[0].id });
found.types = (await jira.issueTypes.getIssueAllTypes()).length;
found.statuses = (await jira.workflowStatuses.getStatuses()).length;
found.statusSearch = (await jira.status.search({ maxResults: 200 })).total;
found.fields = (await jira.issueFields.getFields()).length;
await jira.issueFields.getFieldsPaginated();
await jira.permissions.getMyPermissions({ permissions: 'BROWSE_PROJECTS' });
found.users = (await jira.users.getAllUsers({ maxResults: 1000 })).length;
const boards = await agile.board.getAllBoards();
found.boards = boards.values.map(board => board.type);
const scrum = boards.values.find(board => board.type === 'scrum');
const kanban = boards.values.find(board => board.type !== 'scrum');
await agile.board.getBoard({ boardId: scrum.id });
await agile.board.getConfiguration({ boardId: scrum.id });
const sprints = await agile.board.getAllSprints({ boardId: scrum.id, maxResults: 10 });
found.sprints = [sprints.values.length, sprints.isLast];
await agile.sprint.getSprint({ sprintId: sprints.values[0].id });

found.refused = {
  missing: await refusal(() => jira.issues.getIssue({ issueIdOrKey: 'NONE-1' }), isNotFoundError),
  unsigned: await refusal(() => createCloudClient(connect('wrong')).myself.getCurrentUser(), isAuthError),
  unbounded: await refusal(() => allIssues('ORDER BY created', 10), isApiError),
  kanban: await refusal(() => agile.board.getAllSprints({ boardId: kanban.id }), isApiError),
  token: await refusal(
    () => jira.issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql: 'created >= 0', nextPageToken: 'x' }),
    isApiError,
  ),
};
await control('limits', { rules: [{ kind: 'jira-burst-based', limit: 1, window_seconds: 60 }] });
await jira.myself.getCurrentUser();
found.refused.limited = await refusal(() => jira.myself.getCurrentUser(), isRateLimitError);
await control('limits', { rules: [] });

// What the strict schemas do not know: collected instead of thrown.
const drift = globalThis[Symbol.for('apis-code-gen.schemaAudit')] ?? [];
const said = ({ endpoint, path, keys, value }) => `${endpoint} ${path.replace(/\d+/g, 'N')} ${keys ?? value}`;
found.drift = [...new Set(drift.map(said))];
console.log(JSON.stringify(found));
