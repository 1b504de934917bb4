// An oracle that walks through a resource along the snapshot of its profile. It finds
// what the others miss: cardinality inside slices, closed and nested slices, required
// bindings, profiles of data types, empty arrays and strings. It also says, for each
// value, by which definitions it is bound, so that constraints can be asked of it.
import { member, structure, tree, typeURL } from './definitions.mjs';

// walk returns what is wrong. Visit is called with each value, where it is, and the
// definitions that it must meet.
export function walk(resource, url, visit = () => {}) {
  const root = tree(url);
  if (!root) {
    return [`${url}: there is no snapshot`];
  }
  const found = resource.resourceType === structure(url).type ? [] : [`is no ${structure(url).type}`];
  judge(resource, root, [], resource.resourceType ?? '?', { found, visit });
  return found;
}

// judge judges a value by a node, and by the nodes that bind it besides.
function judge(value, node, besides, at, run) {
  if (node.definition.type?.[0]?.code === 'Resource') {
    return; // of a bundle's: each is judged by itself
  }
  const all = [node, ...besides];
  run.visit(value, at, all.map((n) => n.definition));
  for (const { definition } of all) {
    run.found.push(...literal(value, definition).map((problem) => `${at}: ${problem}`));
  }
  if (value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0)) {
    run.found.push(`${at}: is empty`);
    return;
  }
  if (typeof value !== 'object') {
    primitive(value, node.definition, at, run);
    return;
  }
  children(value, withTypes(value, all, at, run), at, run);
}

// literal compares with what a definition fixes, outlines or binds.
function literal(value, definition) {
  const problems = [];
  const fixed = choice(definition, 'fixed');
  const pattern = choice(definition, 'pattern');
  if (fixed !== undefined && !same(fixed, value)) {
    problems.push(`is not ${JSON.stringify(fixed)}`);
  }
  if (pattern !== undefined && !fits(pattern, value)) {
    problems.push(`does not fit ${JSON.stringify(pattern)}`);
  }
  if (definition.binding?.strength === 'required' && bound(definition.binding.valueSet, value) === false) {
    problems.push(`is not in ${definition.binding.valueSet}`);
  }
  return problems;
}

const choice = (definition, prefix) => {
  const key = Object.keys(definition).find((name) => new RegExp(`^${prefix}[A-Z]`).test(name));
  return key && definition[key];
};

const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
const sorted = (v) => {
  if (Array.isArray(v)) {
    return v.map(sorted);
  }
  return v && typeof v === 'object' ? Object.fromEntries(Object.keys(v).sort().map((k) => [k, sorted(v[k])])) : v;
};

function fits(pattern, value) {
  if (Array.isArray(pattern)) {
    return Array.isArray(value) && pattern.every((p) => value.some((v) => fits(p, v)));
  }
  if (pattern && typeof pattern === 'object') {
    return value && typeof value === 'object' && Object.keys(pattern).every((k) => fits(pattern[k], value[k]));
  }
  return pattern === value;
}

// bound says whether a code, a Coding or a CodeableConcept is in a value set.
function bound(url, value) {
  if (typeof value === 'string') {
    return member(url, undefined, value);
  }
  const answers = (value?.coding ?? [value]).map((coding) => member(url, coding?.system, coding?.code));
  return answers.includes(true) ? true : answers.includes(undefined) ? undefined : false;
}

// What JSON type a primitive has, and which form.
const forms = {
  boolean: /^(true|false)$/, integer: /^-?(0|[1-9]\d*)$/, positiveInt: /^[1-9]\d*$/, unsignedInt: /^(0|[1-9]\d*)$/,
  uri: /^\S+$/, url: /^\S+$/, canonical: /^\S+$/, oid: /^urn:oid:[0-2](\.(0|[1-9]\d*))+$/,
  code: /^\S+(\s\S+)*$/, id: /^[A-Za-z0-9\-.]{1,64}$/, string: /^[ \r\n\t\S]+$/, markdown: /^[ \r\n\t\S]+$/,
  base64Binary: /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
  instant: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
};
const kinds = { boolean: 'boolean', integer: 'number', positiveInt: 'number', unsignedInt: 'number', decimal: 'number' };

function primitive(value, definition, at, run) {
  const declared = definition.type?.[0];
  const type = declared?.extension?.[0]?.valueUrl ?? declared?.code; // ids are FHIRPath's strings
  if (!type || definition.type.length > 1 || /^[A-Z]/.test(type)) {
    run.found.push(`${at}: ${typeof value} where ${type ?? 'another type'} belongs`);
    return;
  }
  if (typeof value !== (kinds[type] ?? 'string')) {
    run.found.push(`${at}: ${typeof value} where ${type} belongs`);
  } else if (forms[type] && !forms[type].test(String(value))) {
    run.found.push(`${at}: is no ${type}`);
  }
}

// withTypes adds the definitions of a value's type. Of several profiles of a type one
// must hold.
function withTypes(value, nodes, at, run) {
  const all = [...nodes];
  for (const node of nodes) {
    if (node.definition.contentReference || !node.definition.type) {
      continue; // the root of a resource, or elsewhere in it
    }
    const [type] = node.definition.type;
    const alternatives = (type.profile ?? []).filter((url) => structure(url));
    if (alternatives.length > 0) {
      const tried = alternatives.map((url) => walkType(value, url, at, run.visit));
      if (!tried.some((problems) => problems.length === 0)) {
        run.found.push(...tried.flat());
      }
    }
    const base = tree(typeURL(type.code));
    if (base && !['BackboneElement', 'Element'].includes(type.code)) {
      all.push(base);
    }
  }
  const extension = at.match(/\.(modifierE|e)xtension\[\d+\]$/) && value.url && tree(value.url);
  return extension ? [...all, extension] : all;
}

function walkType(value, url, at, visit) {
  const found = [];
  const root = tree(url);
  judge(value, { ...root, definition: { ...root.definition, type: undefined } }, [tree(structure(url).baseDefinition)], at, { found, visit });
  return found;
}

// children judges the properties of a value: those that are there, and those that
// should be.
function children(value, nodes, at, run) {
  const names = new Map();
  for (const node of nodes) {
    for (const [name, child] of [...node.children, ...(node.whole?.children ?? [])]) {
      names.set(name, [...(names.get(name) ?? []), child]);
    }
  }
  const known = new Set(['resourceType']);
  for (const [name, definitions] of names) {
    const [key, chosen] = choose(value, name, definitions);
    known.add(key).add(`_${key}`);
    property(value[key], chosen, `${at}.${key}`, run);
  }
  for (const key of Object.keys(value)) {
    if (!known.has(key)) {
      run.found.push(`${at}: has ${key}`);
    }
  }
}

// choose returns under which key a value has a property, and its definitions: of
// value[x] the key is valueString, say, and they are narrowed to that type.
function choose(value, name, nodes) {
  if (!name.endsWith('[x]')) {
    return [name, nodes];
  }
  const stem = name.slice(0, -3);
  const types = nodes.map((node) => node.definition.type.map((type) => type.code));
  const allowed = types[0].filter((type) => types.every((list) => list.includes(type)));
  const keyOf = (type) => stem + type[0].toUpperCase() + type.slice(1);
  const chosen = allowed.find((type) => keyOf(type) in value) ?? allowed[0];
  const narrow = (node) => ({
    ...node, definition: { ...node.definition, type: node.definition.type.filter((type) => type.code === chosen) },
  });
  return [keyOf(chosen), nodes.map(narrow)];
}

function property(found, definitions, at, run) {
  const [{ definition }] = definitions;
  const list = (definition.base?.max ?? definition.max) !== '1';
  if (found !== undefined && Array.isArray(found) !== list) {
    run.found.push(`${at}: ${list ? 'must' : 'must not'} be an array`);
    return;
  }
  if (Array.isArray(found) && found.length === 0) {
    run.found.push(`${at}: is empty`);
  }
  const values = found === undefined ? [] : list ? found : [found];
  for (const node of definitions) {
    count(values.length, node.definition, at, run);
  }
  const cut = definitions.filter((node) => node.slices.length > 0 && node.definition.slicing?.discriminator);
  const taken = new Map();
  values.forEach((value, i) => {
    const here = list ? `${at}[${i}]` : at;
    const slices = cut.map((node) => slice(value, node, here, taken, run)).filter(Boolean);
    const [first, ...rest] = [...slices, ...definitions];
    judge(value, first, rest, here, run);
  });
  for (const node of cut) {
    node.slices.forEach((s) => count(taken.get(s) ?? 0, s.definition, `${at}:${s.definition.sliceName}`, run));
  }
}

function count(n, definition, at, run) {
  const most = definition.max === '*' ? Infinity : Number(definition.max ?? Infinity);
  if (n < (definition.min ?? 0) || n > most) {
    run.found.push(`${at}: ${n} times, not ${definition.min}..${definition.max}`);
  }
}

// slice returns the slice that a value belongs to.
function slice(value, node, at, taken, run) {
  const { discriminator, rules } = node.definition.slicing;
  const found = node.slices.find((s) => discriminator.every((d) => distinguishes(d, s, value)));
  if (found) {
    taken.set(found, (taken.get(found) ?? 0) + 1);
  } else if (rules === 'closed') {
    run.found.push(`${at}: is none of the slices allowed`);
  }
  return found;
}

// distinguishes says whether what a slice demands at a discriminator's path is there.
function distinguishes({ path, type }, node, value) {
  if (type !== 'value' && type !== 'pattern') {
    return type === 'type' ? value?.resourceType === node.definition.type?.[0]?.code : true;
  }
  const steps = path === '$this' ? [] : path.split('.');
  let at = node;
  let values = [value];
  for (const step of ['', ...steps]) {
    if (step !== '') {
      at = at.children.get(step);
      values = values.flatMap((v) => v?.[step] ?? []);
    }
    if (!at) {
      return true; // the slice says nothing about it
    }
    const { definition } = at;
    const says = ['fixed', 'pattern'].some((prefix) => choice(definition, prefix) !== undefined);
    if (says || definition.binding?.strength === 'required') {
      if (says || step === steps.at(-1) || steps.length === 0) {
        return values.some((v) => literal(v, definition).length === 0);
      }
    }
  }
  return true;
}
