// Who judges. None of them is enough alone: the table of mutations says what each one
// finds (check.mjs). Each returns what is wrong with a resource, by FHIR R4 and by the
// profiles that it names.
import { coreFile, need, profiles, structure, typeURL } from './definitions.mjs';
import { walk } from './walk.mjs';

const baseOf = (resource) => typeURL(resource.resourceType ?? 'Resource');
const named = (resource) => [baseOf(resource), ...(resource.meta?.profile ?? [])];

// Medplum's validator: cardinality, types, unknown properties, fixed values and
// patterns, invariants of R4. It cannot follow slices within a slice, nor those that a
// binding cuts; the walker does.
const { indexStructureDefinitionBundle, loadDataType, validateResource } = need('@medplum/core');
indexStructureDefinitionBundle(coreFile('profiles-types.json'));
const resources = coreFile('profiles-resources.json');
const needed = ['Resource', 'DomainResource', 'AuditEvent', 'Bundle'];
indexStructureDefinitionBundle({ ...resources, entry: resources.entry.filter((e) => needed.includes(e.resource.name)) });
const plain = new Map(
  profiles.filter((p) => p.resourceType === 'StructureDefinition' && p.snapshot).map((p) => [p.url, unnested(p)])
);
plain.forEach((profile) => loadDataType(profile));

function unnested(profile) {
  const all = profile.snapshot.element;
  const steps = (id) => id.split('.').filter((step) => step.includes(':'));
  const byBinding = all.filter((e) => e.sliceName && e.binding && !Object.keys(e).some((key) => /^(fixed|pattern)/.test(key)));
  const left = all
    .filter(({ id }) => steps(id).length < 2 && !byBinding.some((slice) => id.startsWith(slice.id)))
    .map((e) => (steps(e.id).length > 0 && !e.sliceName ? { ...e, slicing: undefined } : e));
  return { ...profile, snapshot: { element: left } };
}

export function medplum(resource) {
  return named(resource).flatMap((url) => {
    try {
      const issues = validateResource(resource, url === baseOf(resource) ? undefined : { profile: plain.get(url) }) ?? [];
      return issues.map((issue) => `${issue.expression}: ${issue.details?.text}`);
    } catch (err) {
      if (!err.outcome) {
        throw err;
      }
      return err.outcome.issue.map((issue) => `${issue.expression}: ${issue.details?.text}`);
    }
  });
}

// The JSON schema of R4, of AuditEvent and Bundle and what they need.
const Ajv = need('ajv').default;
const schema = coreFile('fhir.schema.json');
schema.definitions.ResourceList = { oneOf: [{ $ref: '#/definitions/AuditEvent' }] };
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
ajv.addMetaSchema(need('ajv/dist/refs/json-schema-draft-06.json'));
const compiled = new Map(
  ['AuditEvent', 'Bundle'].map((type) => [type, ajv.compile({ ...only(type), $ref: `#/definitions/${type}` })])
);

// only is the schema with what a type needs.
function only(type) {
  const definitions = {};
  const add = (name) => {
    if (!definitions[name]) {
      definitions[name] = schema.definitions[name];
      for (const [, next] of JSON.stringify(definitions[name]).matchAll(/#\/definitions\/(\w+)/g)) {
        add(next);
      }
    }
  };
  add(type);
  return { $schema: schema.$schema, definitions };
}

export function jsonSchema(resource) {
  const validate = compiled.get(resource.resourceType);
  if (!validate) {
    return [`${resource.resourceType} is not expected`];
  }
  return validate(resource) ? [] : validate.errors.map((e) => `${e.instancePath}: ${e.message}`);
}

// The walker over snapshots.
export const walker = (resource) => named(resource).flatMap((url) => walk(resource, url));

// FHIRPath: each constraint of each definition, asked of each value that it binds.
const fhirpath = need('fhirpath');
const model = need('fhirpath/fhir-context/r4');
const compiledPaths = new Map();
const constraint = (expression, path) => {
  const key = `${path} ${expression}`;
  if (!compiledPaths.has(key)) {
    compiledPaths.set(key, fhirpath.compile({ base: path, expression }, model, { traceFn: () => {} }));
  }
  return compiledPaths.get(key);
};

export function constraints(resource) {
  const asked = new Set();
  const problems = [];
  const ask = ({ key, severity, expression }, path, value, at) => {
    const question = `${at} ${expression}`;
    if (severity !== 'error' || !expression || key === 'ele-1' || asked.has(question)) {
      return; // ele-1, that nothing is empty, the walker looks at
    }
    asked.add(question);
    if (!holds(expression, path, value, resource)) {
      problems.push(`${at}: ${key} does not hold`);
    }
  };
  for (const url of named(resource).filter((u) => structure(u))) {
    walk(resource, url, (value, at, definitions) => {
      definitions.forEach((d) => (d.constraint ?? []).forEach((c) => ask(c, d.path, value, at)));
    });
  }
  return problems;
}

function holds(expression, path, value, resource) {
  try {
    const answer = constraint(expression, path)(value, { resource, rootResource: resource });
    return answer.length === 0 || answer[0] !== false;
  } catch (err) {
    return false; // a value of another type than the constraint is about
  }
}

export const oracles = { medplum, jsonSchema, walker, constraints };
