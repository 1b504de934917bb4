// Judges bundles of AuditEvents as exports of reports have them.
//
//	node check.mjs            first the oracles, by a table of mutations of our own
//	                          events, then the bundles that the tests keep
//	node check.mjs FILE.zip   first the oracles, then the bundles in an export
//
// FHIR_MODULES names the folder whose node_modules has the oracles (.ci/fhir).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { bundleMutations, mutations } from './mutations.mjs';
import { oracles } from './oracles.mjs';
import { unzip } from './unzip.mjs';

const kept = path.join(import.meta.dirname, '../../../audit/archive/testdata');
const flavours = { balp: 'audit-events-balp.json', nhs: 'audit-events-nhs.json' };
const read = (name) => JSON.parse(readFileSync(path.join(kept, name), 'utf8'));

let wrong = 0;
const complain = (text) => {
  wrong++;
  console.error(`fhir: ${text}`);
};

// verdicts are what each oracle finds wrong.
const verdicts = (resource) =>
  Object.fromEntries(Object.entries(oracles).map(([name, judge]) => [name, judge(resource)]));

// prove has the oracles find what is done to something that is valid. Where nothing
// is done, none may find anything.
const found = Object.fromEntries(Object.keys(oracles).map((name) => [name, 0]));
function prove(name, valid, mutate) {
  const mutated = structuredClone(valid);
  mutate?.(mutated);
  const by = Object.entries(verdicts(mutated)).filter(([, problems]) => problems.length > 0);
  if (!mutate) {
    by.forEach(([oracle, problems]) => complain(`${oracle} finds ${name}: ${problems[0]}`));
    return;
  }
  by.forEach(([oracle]) => found[oracle]++);
  if (by.length === 0) {
    complain(`no oracle finds ${name}`);
  }
}

// proveOracles tries every mutation on the event of a flavour that says most.
function proveOracles() {
  let tried = 0;
  for (const [flavour, file] of Object.entries(flavours)) {
    const bundle = read(file);
    const event = bundle.entry.map((entry) => entry.resource)
      .filter((e) => e.meta && e.agent.some((a) => a.extension) && e.agent.some((a) => a.network))
      .sort((a, b) => JSON.stringify(b).length - JSON.stringify(a).length)[0];
    for (const valid of [event, bundle]) {
      prove(`nothing wrong, of ${flavour}`, valid);
    }
    for (const [name, of, mutate] of mutations.filter((m) => m[1] === '' || m[1] === flavour)) {
      prove(`${name}, of ${flavour}`, event, mutate);
      tried++;
    }
    for (const [name, mutate] of bundleMutations) {
      prove(`${name}, of a bundle of ${flavour}`, { ...bundle, entry: bundle.entry.slice(0, 2) }, mutate);
      tried++;
    }
  }
  const each = Object.entries(found).map(([name, n]) => `${name} ${n}`).join(', ');
  console.log(`fhir: of ${tried} mutations ${tried - wrong} are found (${each})`);
}

// judge judges a bundle and each event in it.
function judge(name, bundle) {
  const events = (bundle.entry ?? []).map((entry) => entry.resource);
  for (const resource of [bundle, ...events]) {
    for (const [oracle, problems] of Object.entries(verdicts(resource))) {
      problems.slice(0, 5).forEach((p) => complain(`${name}, ${resource.resourceType} ${resource.id ?? ''}: ${oracle}: ${p}`));
    }
  }
  const named = events.filter((e) => e.meta).length;
  console.log(`fhir: ${name}: ${events.length} events, ${named} of which name a profile`);
}

proveOracles();
const archives = process.argv.slice(2);
for (const file of Object.values(flavours)) {
  if (archives.length === 0) {
    judge(file, read(file));
  }
  for (const archive of archives) {
    judge(`${path.basename(archive)} ${file}`, JSON.parse(unzip(readFileSync(archive), file)));
  }
}
process.exit(wrong > 0 ? 1 : 0);
