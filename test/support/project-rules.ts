/** Everything the root of the project may hold, dot files apart. */
const ROOT_ENTRIES = new Set([
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'buf.yaml',
  'buf.gen.yaml',
  'proto',
  'src',
  'adapters',
  'test',
  'docker-compose.yml',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'biome.json',
  'asyncapi.yaml',
  'bench',
  'deploy',
  'docs',
  'results',
  'Dockerfile',
  'vitest.config.ts',
]);

/** Written in two parts, so that the rule does not find itself. */
const BANNED: readonly (readonly [string, RegExp])[] = [
  ['a path of one machine', new RegExp(['(^|[^A-Za-z0-9_.])/wo', 'rk/|/ho', 'me/[a-z]+/'].join(''))],
  ['a tool of one workplace', new RegExp(['\\biss', 'ues (show|list|close|comment)\\b'].join(''))],
  ['an open end', new RegExp(['\\b(TO', 'DO|FIX', 'ME|XX', 'X:)'].join(''))],
  ['a registry host', new RegExp(['registry\\.(npm', 'js|yarn', 'pkg)|npm\\.pkg\\.git', 'hub'].join(''))],
  [
    'the making of the project',
    new RegExp(['\\b(iss', 'ue #?\\d+|the br', 'ief\\b|sub', '-?agent|cla', 'ude)'].join(''), 'i'),
  ],
];

export function checkRoot(path: string): string[] {
  const entry = path.split('/')[0] ?? '';
  return ROOT_ENTRIES.has(entry) || entry.startsWith('.') ? [] : [`${entry} does not belong in the root`];
}

/** Words that do not speak of the product. */
export function checkWords(path: string, text: string): string[] {
  return text.split('\n').flatMap((line, at) => {
    const hit = BANNED.find(([, pattern]) => pattern.test(line));
    return hit === undefined ? [] : [`${path}:${at + 1} names ${hit[0]}: ${line.trim().slice(0, 80)}`];
  });
}
