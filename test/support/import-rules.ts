import { posix } from 'node:path';
import type { Import, SourceFile } from './source-file.ts';

/**
 * What each layer may import besides itself and packages; `(type)` allows types alone. The composition root, which is
 * every file of `src` that is listed nowhere, may import everything and is imported by itself alone.
 */
const DIRECTIONS: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  gen: [],
  ports: ['domain'],
  'use-cases': ['ports', 'domain'],
  config: ['domain'],
  log: ['config', 'domain'],
  telemetry: ['config', 'log', 'observability'],
  observability: ['log', 'domain', 'ports'],
  persistence: ['ports', 'domain', 'gen', 'config (type)', 'observability', 'log'],
  transport: ['use-cases', 'domain', 'ports (type)', 'gen', 'config (type)', 'observability', 'log'],
  workers: ['use-cases', 'ports', 'domain', 'config (type)', 'observability', 'log'],
  // An adapter implements a port or feeds commands to the use cases.
  adapters: ['ports', 'domain', 'gen', 'use-cases', 'config (type)', 'observability', 'log'],
};

/** The one adapter others may build on: it holds the connection and the names of subjects. */
const SHARED_ADAPTER = 'adapters/nats';

const PACKAGE_OWNERS: readonly { readonly pattern: RegExp; readonly owner: string }[] = [
  { pattern: /^(@mikro-orm\/|pg($|\/)|pg-|kysely)/, owner: 'src/persistence/' },
  { pattern: /^@opentelemetry\/(?!api$)/, owner: 'src/telemetry.ts' },
  { pattern: /^(@nats-io\/|nats$)/, owner: 'adapters/' },
  { pattern: /^@bufbuild\/cel($|\/)/, owner: 'adapters/cel/' },
  { pattern: /^@(grpc|connectrpc)\//, owner: 'src/transport/' },
];

/** Entry files and parts of adapters that speak to the service from outside, as any client does. */
const CLIENTS = ['adapters/cli/', 'adapters/dashboard/'];

/** The layer of a file, or null for what the rules leave free. */
export function layerOf(path: string): string | null {
  const [top = '', second = ''] = path.split('/');
  if (top === 'adapters') return 'adapters';
  if (top !== 'src') return null;
  const name = second.replace(/\.ts$/, '');
  return Object.hasOwn(DIRECTIONS, name) ? name : 'main';
}

/** Imports that go against the directions of the architecture. */
export function checkDirections(file: SourceFile): string[] {
  const from = layerOf(file.path);
  if (from === null || from === 'main') return [];
  return file.imports.flatMap((one) => {
    const target = targetOf(file, one);
    const to = target === null ? null : layerOf(target);
    if (target === null) return [];
    if (to === null) return [`${file.path} imports ${one.specifier}, which is no part of the product`];
    return isAllowed(file.path, from, target, to, one) ? [] : [`${file.path} (${from}) imports ${target} (${to})`];
  });
}

/** Packages imported by others than their owner, and any package inside the domain. */
export function checkPackages(file: SourceFile): string[] {
  const layer = layerOf(file.path);
  if (layer === null) return [];
  return file.imports.flatMap(({ specifier }) => {
    if (specifier.startsWith('.')) return [];
    if (layer === 'domain') return [`${file.path} (domain) imports ${specifier}`];
    const rule = PACKAGE_OWNERS.find(({ pattern }) => pattern.test(specifier));
    if (rule === undefined || file.path.startsWith(rule.owner)) return [];
    const isClient = rule.owner === 'src/transport/' && CLIENTS.some((client) => file.path.startsWith(client));
    return isClient ? [] : [`${file.path} imports ${specifier}, which belongs to ${rule.owner}`];
  });
}

function targetOf(file: SourceFile, { specifier }: Import): string | null {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file.path), specifier) : null;
}

function isAllowed(path: string, from: string, target: string, to: string, one: Import): boolean {
  if (from === 'adapters' && to === 'adapters') {
    const folder = (file: string) => file.split('/').slice(0, 2).join('/');
    return folder(path) === folder(target) || folder(target) === SHARED_ADAPTER;
  }
  const allowed = DIRECTIONS[from] ?? [];
  return from === to || allowed.includes(to) || (one.isTypeOnly && allowed.includes(`${to} (type)`));
}
