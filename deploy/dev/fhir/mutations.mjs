// What may be wrong with an event. Each row is what is done to a valid one, of which
// flavour, and how. Every row must be found by an oracle, or none of them may judge.
const BALP = 'balp';
const NHS = 'nhs';
const both = '';

const agent = (e, code) => e.agent.find((a) => a.type?.coding?.[0].code === code);
const who = (e, type) => e.agent.find((a) => a.who?.type === type);
const entity = (e, code) => e.entity.find((x) => x.type.code === code);

export const mutations = [
  // The resource.
  ['no type of resource', both, (e) => { delete e.resourceType; }],
  ['another resource', both, (e) => { e.resourceType = 'Flag'; }],
  ['an unknown property', both, (e) => { e.severity = 'high'; }],
  ['an unknown property within', both, (e) => { e.agent[0].address = 'x'; }],
  ['an id with a blank', both, (e) => { e.id = 'a b'; }],
  ['an id too long', both, (e) => { e.id = 'a'.repeat(65); }],
  ['a null', both, (e) => { e.agent[0].name = null; }],
  ['no type', both, (e) => { delete e.type; }],
  ['a type that is a list', both, (e) => { e.type = [e.type]; }],
  ['subtypes that are no list', both, (e) => { e.subtype = e.subtype[0]; }],
  ['an empty list', both, (e) => { e.subtype = []; }],
  ['an empty object', both, (e) => { e.agent[0].who = {}; }],
  ['an empty string', both, (e) => { e.outcomeDesc = ''; }],
  ['no recorded', both, (e) => { delete e.recorded; }],
  ['recorded without a zone', both, (e) => { e.recorded = '2026-11-23T12:00:00'; }],
  ['recorded on no day', both, (e) => { e.recorded = '2026-13-45T12:00:00Z'; }],
  ['recorded as a number', both, (e) => { e.recorded = 20261123; }],
  ['an action that is none', both, (e) => { e.action = 'X'; }],
  ['an outcome that is none', both, (e) => { e.outcome = '1'; }],
  ['no agents', both, (e) => { delete e.agent; }],
  ['an agent that does not say whether it asked', both, (e) => { delete e.agent[0].requestor; }],
  ['whether it asked as a string', both, (e) => { e.agent[0].requestor = 'true'; }],
  ['a network type that is none', both, (e) => { e.agent.find((a) => a.network).network.type = '9'; }],
  ['a policy with blanks', both, (e) => { e.agent.find((a) => a.policy).policy[0] = 'rule U1'; }],
  ['an extension without a value', both, (e) => { delete e.agent.find((a) => a.extension).extension[0].valueCodeableConcept; }],
  ['an extension with a value and extensions', both, (e) => {
    e.agent.find((a) => a.extension).extension[0].extension = [{ url: 'https://example.org/x', valueString: 'x' }];
  }],
  ['an extension of another type', both, (e) => {
    const [x] = e.agent.find((a) => a.extension).extension;
    delete x.valueCodeableConcept;
    x.valueString = '3';
  }],
  ['an extension without a URL', both, (e) => { delete e.agent.find((a) => a.extension).extension[0].url; }],
  ['no source', both, (e) => { delete e.source; }],
  ['no observer', both, (e) => { delete e.source.observer; }],
  ['a code with a blank before it', both, (e) => { e.source.type[0].code = ' 3'; }],
  ['a detail without a value', both, (e) => { delete e.entity.find((x) => x.detail).detail[0].valueString; }],
  ['a detail with two values', both, (e) => { e.entity.find((x) => x.detail).detail[0].valueBase64Binary = 'eA=='; }],
  ['a detail without a type', both, (e) => { delete e.entity.find((x) => x.detail).detail[0].type; }],
  ['an entity with a name and a query', both, (e) => { Object.assign(e.entity.find((x) => x.what), { name: 'x', query: 'eA==' }); }],
  ['the patient twice', both, (e) => { e.entity.push(structuredClone(entity(e, '1'))); }],
  ['no patient', both, (e) => { e.entity = e.entity.filter((x) => x.type.code !== '1'); }],
  ['the patient in another role', both, (e) => { entity(e, '1').role.code = '2'; }],

  // BALP's PatientQuery.
  ['another type', BALP, (e) => { e.type.code = '110112'; }],
  ['another subtype', BALP, (e) => { e.subtype[0].code = 'read'; }],
  ['two subtypes of searches', BALP, (e) => { e.subtype.push({ ...e.subtype[0], code: 'search-system' }); }],
  ['no success', BALP, (e) => { e.outcome = '4'; }],
  ['no outcome', BALP, (e) => { delete e.outcome; }],
  ['another action', BALP, (e) => { e.action = 'R'; }],
  ['no client', BALP, (e) => { e.agent = e.agent.filter((a) => a !== agent(e, '110153')); }],
  ['two servers', BALP, (e) => { e.agent.push(structuredClone(agent(e, '110152'))); }],
  ['a client without a network', BALP, (e) => { delete agent(e, '110153').network; }],
  ['a server without a name', BALP, (e) => { delete agent(e, '110152').who; }],
  ['a user who did not ask', BALP, (e) => { agent(e, 'IRCP').requestor = false; }],
  ['a user with a network', BALP, (e) => { agent(e, 'IRCP').network = { address: '203.0.113.0/24', type: '2' }; }],
  ['a user on a medium', BALP, (e) => { agent(e, 'IRCP').media = { code: 'x' }; }],
  ['no query', BALP, (e) => { delete entity(e, '2').query; }],
  ['a query that is no base64', BALP, (e) => { entity(e, '2').query = 'look_up?'; }],
  ['a query with details', BALP, (e) => { entity(e, '2').detail = [{ type: 'x', valueString: 'x' }]; }],
  ['a query about something', BALP, (e) => { entity(e, '2').what = { display: 'x' }; }],
  ['a query in another role', BALP, (e) => { entity(e, '2').role.code = '4'; }],
  ['a request without its id', BALP, (e) => { entity(e, 'XrequestId').what.identifier = { system: 'https://example.org' }; }],
  ['a patient who is nobody', BALP, (e) => { delete entity(e, '1').what; }],

  // NHS England's profile.
  ['no organisation', NHS, (e) => { e.agent = e.agent.filter((a) => a.who.type !== 'Organization'); }],
  ['three organisations', NHS, (e) => {
    const a = who(e, 'Organization');
    e.agent.push(structuredClone(a), structuredClone(a));
  }],
  ['an agent of another type', NHS, (e) => { who(e, 'Endpoint').who.type = 'Device'; }],
  ['an agent without a type', NHS, (e) => { delete who(e, 'Practitioner').who.type; }],
  ['two users', NHS, (e) => { e.agent.push(structuredClone(who(e, 'Practitioner'))); }],
  ['an agent without an identifier', NHS, (e) => { delete who(e, 'Practitioner').who.identifier; }],
  ['an identifier without a system', NHS, (e) => { delete who(e, 'Practitioner').who.identifier.system; }],
  ['a program by another system', NHS, (e) => { who(e, 'Endpoint').who.identifier.system = 'https://example.org'; }],
  ['an observer by another system', NHS, (e) => { e.source.observer.identifier.system = 'https://example.org'; }],
  ['an observer without a name', NHS, (e) => { delete e.source.observer.display; }],
  ['a source without a type', NHS, (e) => { delete e.source.type; }],
  ['a subtype without a system', NHS, (e) => { delete e.subtype[0].system; }],
  ['no action', NHS, (e) => { delete e.action; }],
  ['no request', NHS, (e) => { e.entity = e.entity.filter((x) => x.type.code !== 'XrequestId'); }],
  ['an entity that is none of the four', NHS, (e) => {
    e.entity.push({ what: { identifier: { system: 'https://example.org', value: 'x' } }, type: { system: 'https://example.org', code: 'x' } });
  }],
  ['an endpoint without a name', NHS, (e) => { delete entity(e, 'Endpoint').name; }],
  ['an endpoint with one detail', NHS, (e) => { entity(e, 'Endpoint').detail.pop(); }],
  ['an endpoint with three details', NHS, (e) => { entity(e, 'Endpoint').detail.push({ type: 'x', valueString: 'x' }); }],
  ['an endpoint with another detail', NHS, (e) => { entity(e, 'Endpoint').detail[1].type = 'interaction'; }],
  ['an endpoint with a detail twice', NHS, (e) => { entity(e, 'Endpoint').detail[1].type = 'productIdentifier'; }],
  ['a detail that is no string', NHS, (e) => {
    const [d] = entity(e, 'Endpoint').detail;
    delete d.valueString;
    d.valueBase64Binary = 'eA==';
  }],
  ['an endpoint by another system', NHS, (e) => { entity(e, 'Endpoint').what.identifier.system = 'https://example.org'; }],
];

// What may be wrong with a bundle.
export const bundleMutations = [
  ['an empty list of entries', (b) => { b.entry = []; }],
  ['no type', (b) => { delete b.type; }],
  ['a type that is none', (b) => { b.type = 'list'; }],
  ['a total', (b) => { b.total = 2; }],
  ['an entry twice', (b) => { b.entry.push(structuredClone(b.entry[0])); }],
  ['an entry that is asked for', (b) => { b.entry[0].request = { method: 'GET', url: 'x' }; }],
  ['an entry with nothing in it', (b) => { b.entry.push({}); }],
  ['a time without a zone', (b) => { b.timestamp = '2026-11-23T12:00:00'; }],
];
