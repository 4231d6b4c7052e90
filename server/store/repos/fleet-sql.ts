/**
 * States of units and nodes as SQL, for lists that filter, sort and count by them. The twin of `core/fleet/states`; a test
 * holds the two together over every combination.
 * `$now` and `$silent` are placeholders: Unix ms of the question, and ms after which a node counts as silent.
 */

/** True when a node is silent. `n` is the alias of nodes. */
export const isSilent = (now: string, silent: string): string => `(n.last_seen_at is not null and n.last_seen_at <= to_timestamp((${now} - ${silent}) / 1000.0))`;

/** State of a unit; aliases: a(ssignments), n(odes), o(bservations, left join). */
export const unitState = (now: string, silent: string): string => `(case
  when ${isSilent(now, silent)} then 'silent'
  when a.desired = 'stop' or o.assignment_id is null then 'pending'
  when o.phase = 'running' then case
    when o.health = 'unhealthy' then 'failing'
    when o.health = 'starting' then 'pending'
    when o.generation <> a.generation and (o.incoming ->> 'health' = 'unhealthy' or o.incoming ->> 'phase' in ('backoff', 'failed')) then 'degraded'
    else 'healthy' end
  when o.phase = 'succeeded' then 'healthy'
  when o.phase in ('failed', 'backoff') then 'failing'
  else 'pending' end)`;

/** Whether a unit served when it was last heard of. */
export const unitServed = "(o.phase = 'running' and o.health in ('healthy', 'unknown') or o.phase = 'succeeded')";

/** Counts of units by state, from a query that has unit_state, was_serving and last_seen_at. */
export const unitCounts = `count(*) filter (where unit_state = 'healthy')::int as healthy, count(*) filter (where unit_state = 'degraded')::int as degraded,
  count(*) filter (where unit_state = 'failing')::int as failing, count(*) filter (where unit_state = 'silent')::int as silent,
  count(*) filter (where unit_state = 'pending')::int as pending, count(*) filter (where unit_state = 'silent' and was_serving)::int as silent_was_healthy,
  min(last_seen_at) filter (where unit_state = 'silent') as as_of`;

/**
 * Nodes that have a unit which is not well, with how many: few, and found by an index of just these. The condition on
 * observations is that index's, to the letter. Aliases outside: c.node_id, c.failing, c.degraded, c.total.
 */
export const unwellNodes = (project: string, now: string, silent: string): string => `(
  select x.node_id, count(*) filter (where x.unit_state = 'failing')::int as failing, count(*) filter (where x.unit_state = 'degraded')::int as degraded,
    (select count(*)::int from assignments t where t.node_id = x.node_id and t.ended_at is null and t.desired = 'run') as total
  from (select a.node_id, ${unitState(now, silent)} as unit_state
    from observations o join assignments a on a.id = o.assignment_id and a.ended_at is null and a.desired = 'run' join nodes n on n.id = a.node_id
    where (o.phase in ('failed', 'backoff') or o.health = 'unhealthy' or o.incoming is not null) and a.project_id = ${project}) x
  group by x.node_id)`;

/** What must hold of a unit in a state, as conditions that an index can serve; the state itself is still compared. */
export const narrowing: Record<string, string> = {
  failing: "(o.phase in ('failed', 'backoff') or o.health = 'unhealthy')",
  degraded: "o.incoming is not null",
};

/** State of a node from its own columns and the counts of its units (alias c, left join). */
export const nodeState = (now: string, silent: string): string => `(case
  when n.desired_state = 'decommissioned' or n.last_seen_at is null then 'pending'
  when ${isSilent(now, silent)} then 'silent'
  when coalesce(c.failing, 0) > 0 and c.failing = c.total then 'failing'
  when coalesce(c.failing, 0) + coalesce(c.degraded, 0) > 0 then 'degraded'
  else 'healthy' end)`;

/** A text for `ilike` that finds the words of a person anywhere. */
export const like = (q: string): string => `%${q.replace(/[\\%_]/g, "\\$&")}%`;
