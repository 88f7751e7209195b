"""The JSON of a dossier's members, as PostgreSQL builds them, over `application a` and `procedure_version p`."""

# ruff: noqa: S608 -- composed of constants of this module

SITES = (
    "(SELECT json_agg(json_build_object('no', s.no, 'structure_id', s.structure_id, 'kind', s.kind, 'name', s.name,"
    " 'code', CASE WHEN s.code IS NULL THEN NULL ELSE json_build_array(s.code_system, s.code) END,"
    " 'height_m', CAST(s.height_m AS text), 'lon', s.lon, 'lat', s.lat, 'commune', s.unit_id, 'capacity', s.capacity,"
    " 'facts', s.facts) ORDER BY s.no) FROM application_site s WHERE s.application_id = a.id)"
)
FIRST_SITE = "(SELECT s.{axis} FROM application_site s WHERE s.application_id = a.id ORDER BY s.no LIMIT 1)"
# By the dossier's id, too: it leads the index.
_ASKED = (
    " FROM review r LEFT JOIN deadline d ON d.application_id = r.application_id AND d.review_id = r.id"
    " WHERE r.application_id = a.id"
)
# What an unsigned draft says is nobody's business but its department's: it stands in a column that is not told.
MARKS = (
    "(SELECT coalesce(json_agg(json_build_object('function', r.function, 'org', r.org, 'outcome', r.outcome,"
    " 'late', r.late, 'drafted', r.stage IN ('draft','check','sign'), 'stage', r.stage,"
    " 'due_on', d.due_on) ORDER BY r.round, r.position), '[]')"
    f"{_ASKED})"
)
REVIEWS = (
    "(SELECT coalesce(json_agg(json_build_object('id', r.id, 'function', r.function, 'org', r.org, 'round', r.round,"
    " 'asked_on', r.asked_on, 'ask_reason', r.ask_reason, 'outcome', r.outcome, 'grounds', r.grounds,"
    " 'conditions', coalesce(r.conditions, '[]'),"
    " 'stage', r.stage, 'drafted', r.stage IN ('draft','check','sign'), 'drafted_by', CASE WHEN r.signed_by IS NOT NULL"
    " THEN r.drafted_by END, 'checked_by', CASE WHEN r.signed_by IS NOT NULL THEN r.checked_by END,"
    " 'signed_by', r.signed_by, 'signed_name', r.signed_name, 'signed_at', r.signed_at,"
    " 'late', r.late, 'silent_on', r.silent_on, 'assigned_to', r.assigned_to, 'assigned_name', r.assigned_name,"
    " 'version', r.version, 'due_on', d.due_on, 'clock_state', d.state) ORDER BY r.round, r.position), '[]')"
    f"{_ASKED})"
)
HEAD = {
    "id": "a.id",
    "number": "a.number",
    "state": "a.state",
    "version": "a.version",
    "procedure": "concat(p.code, '@', p.version)",
    "work": "p.work",
    "applicant": "a.applicant_org",
    "lead": "a.lead_org",
    "received_at": "a.received_at",
    "received_on": "a.received_on",
    "effective_on": "a.effective_on",
    "assigned_to": "a.assigned_to",
    "assigned_name": "a.assigned_name",
}
DECIDED = (
    "(SELECT json_build_object('number', x.number, 'outcome', x.outcome, 'may_build', x.may_build, 'decided_on',"
    " x.decided_on) FROM decision x WHERE x.application_id = a.id)"
)
_FOLLOWED = (
    "(SELECT coalesce(json_agg(CAST(c.e || jsonb_build_object('no', c.n, 'state', k.state, 'verifier_org',"
    " k.verifier_org, 'file', k.file_id, 'remark', k.remark, 'changed_at', k.changed_at, 'changed_name',"
    " k.changed_name) AS json) ORDER BY c.n), '[]') FROM jsonb_array_elements(x.conditions) WITH ORDINALITY c(e, n)"
    " LEFT JOIN decision_condition k ON k.application_id = x.application_id AND k.no = c.n)"
)
DECISION = (
    "(SELECT json_build_object('number', x.number, 'outcome', x.outcome, 'may_build', x.may_build, 'decided_on',"
    " x.decided_on, 'decided_by', x.decided_by, 'decided_name', x.decided_name, 'grounds', x.grounds, 'conditions',"
    f" {_FOLLOWED}, 'reason', x.reason) FROM decision x WHERE x.application_id = a.id)"
)
NEAREST = (
    "LEFT JOIN LATERAL (SELECT d.clock, d.due_on, d.state, d.remaining FROM deadline d WHERE d.application_id = a.id"
    " AND d.review_id IS NULL AND d.state <> 'stopped' ORDER BY d.sort_on, d.clock LIMIT 1) n ON true"
)
DUE = (
    "CASE WHEN n.clock IS NULL THEN NULL ELSE json_build_object('clock', n.clock, 'due_on', n.due_on,"
    " 'state', n.state, 'remaining', n.remaining) END"
)
WORKS = "(SELECT json_object_agg(n.kind, n.happened_on) FROM notice n WHERE n.application_id = a.id)"
SHARING = (
    "json_build_object('asked_at', a.options_asked_at, 'radius_m', (SELECT CAST(c.body->>'radius_m' AS int) FROM"
    " code_entry c WHERE c.list = 'share_rule' AND c.code = p.work), 'options', (SELECT coalesce(json_agg("
    "json_build_object('site_no', o.site_no, 'structure_id', o.structure_id, 'public_no', o.public_no, 'owner',"
    " o.owner, 'distance_m', o.distance_m, 'height_m', CAST(o.height_m AS text), 'capacity', o.capacity, 'free',"
    " o.free, 'reason', o.reason, 'words', o.words, 'answered_at', o.answered_at)"
    " ORDER BY o.site_no, o.distance_m, o.structure_id), '[]') FROM share_option o WHERE o.application_id = a.id))"
)
PARTS = (
    "(SELECT coalesce(json_agg(json_build_object('code', t.code, 'no', t.no, 'file', f.id, 'name', f.name, 'sha256',"
    " f.sha256, 'size', f.size, 'media_type', f.media_type, 'added_at', t.added_at, 'replaced_at', t.replaced_at)"
    " ORDER BY t.code, t.no), '[]') FROM application_part t JOIN file f ON f.id = t.file_id"
    " WHERE t.application_id = a.id)"
)
REQUESTS = (
    "(SELECT coalesce(json_agg(json_build_object('round', q.round, 'items', q.items, 'sent_at', q.sent_at,"
    " 'answered_at', q.answered_at, 'lapsed_on', q.lapsed_on)"
    " ORDER BY q.round), '[]') FROM supplement_request q WHERE q.application_id = a.id)"
)
NOTICES = (
    "(SELECT coalesce(json_agg(json_build_object('kind', n.kind, 'on', n.happened_on, 'given_at', n.given_at)"
    " ORDER BY n.given_at), '[]') FROM notice n WHERE n.application_id = a.id)"
)
CLOCKS = (
    "(SELECT coalesce(json_agg(json_build_object('clock', d.clock, 'function', CASE WHEN d.review_id IS NULL THEN NULL"
    " ELSE d.function END, 'org', d.org, 'due_on', d.due_on, 'state', d.state, 'length', d.length, 'remaining',"
    " d.remaining) ORDER BY d.review_id NULLS FIRST, d.sort_on, d.clock), '[]') FROM deadline d"
    " WHERE d.application_id = a.id)"
)
