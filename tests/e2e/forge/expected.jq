# SPDX-License-Identifier: Apache-2.0
# What every rule of rulebook.yml must fire: {rule: firings}. Run as jq -n -f expected.jq events.jsonl
def when(rule; condition): if (try condition catch false) then rule else empty end;
def payload: .payload;
def has_path($path): . as $event | try ($event | getpath($path[:-1]) | type == "object" and has($path[-1])) catch false;

reduce (inputs |
  when("Pull request opened"; .event == "pull_request" and payload.action == "opened"),
  when("Check run failed"; payload.check_run.conclusion | . == "failure" or . == "timed_out"),
  when("Push to the default branch"; .event == "push" and payload.ref == "refs/heads/\(payload.repository.default_branch)"),
  when("Issue labelled as a bug"; .event == "issues" and payload.action == "labeled" and payload.label.name == "bug"),
  when("Sent by a bot"; payload.sender.type == "Bot"),
  when("Title of a fix or an update"; payload.pull_request.title | strings | test("^(fix|update)\\b"; "i")),
  when("Pull request about a bug"; any(payload.pull_request.labels | arrays | .[]; .name == "bug")),
  when("First commit by a known author"; payload.commits[0].author.username | IN("Codertocat", "amara", "lint-bot[bot]")),
  when("A commit changes the README"; [payload.commits[]?.modified[]?] | index("README.md") != null),
  when("Last commit is an update"; payload.commits[-1].message | strings | test("^(Update|Rewrite|Revert)")),
  when("Draft"; payload.pull_request.draft == true),
  when("Opened and not a draft"; payload.pull_request.draft == false and payload.action == "opened"),
  when("Merged"; payload.pull_request.merged_at != null),
  when("Job for an own runner"; any(payload.workflow_job.labels | arrays | .[]; . == "self-hosted")),
  when("A step failed"; any(payload.workflow_job.steps | arrays | .[]; .conclusion == "failure")),
  when("Some step did not succeed"; any(payload.workflow_job.steps | arrays | .[]; .conclusion != "success")),
  when("Grows by more than it deletes"; payload.pull_request | (.additions | numbers) - (.deletions | numbers) > 50),
  when("Private or a bot, but no ping"; (payload.repository.private == true or payload.sender.type == "Bot") and .event != "ping"),
  when("No repository"; has_path(["payload", "repository"]) | not),
  when("Busy issue without a milestone";
    payload.issue | type == "object" and has("milestone") and .milestone == null and (.comments | type == "number" and . > 0)),
  when("Deploy command"; payload.comment.body | strings | test("^/deploy +[a-z]+")),
  when("Not from a person and not about the main branch";
    has_path(["payload", "sender", "type"]) and payload.sender.type != "User" and has_path(["payload", "ref"]) and payload.ref != "refs/heads/main")
) as $rule ({}; .[$rule] += 1)
