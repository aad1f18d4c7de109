import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout these checks belong to. */
export const REPOSITORY_ROOT = fileURLToPath(new URL('../..', import.meta.url));

const BINARIES = join(REPOSITORY_ROOT, 'node_modules', '.bin');
const BUF_TIMEOUT_MS = 120_000;
const GENERATED = join('src', 'gen');

/** The committed image that new protos must stay compatible with, relative to the root. */
export const CONTRACT_IMAGE = join('proto', 'earmark.binpb');

/** One check: its name for people, and what it found wrong; an empty list means nothing. */
export type ProtoCheck = {
  readonly name: string;
  readonly run: (root: string) => string[];
};

/**
 * Lint, format, compatibility and drift, in the order in which they are worth reading.
 * Each takes the folder that holds buf.yaml and proto, and needs neither network nor anything outside node_modules.
 */
export const PROTO_CHECKS: readonly ProtoCheck[] = [
  { name: 'lint', run: findLintProblems },
  { name: 'format', run: findFormatProblems },
  { name: 'breaking changes', run: findBreakingChanges },
  { name: 'generated code', run: findGeneratedDrift },
];

function findLintProblems(root: string): string[] {
  return buf(root, ['lint']);
}

function findFormatProblems(root: string): string[] {
  return buf(root, ['format', '--diff', '--exit-code']);
}

/** What a client of the contract image could trip over. */
export function findBreakingChanges(root: string): string[] {
  return inScratchFolder((scratch) => {
    const image = join(scratch, 'current.binpb');
    const built = buildContractImage(root, image);
    return built.length > 0
      ? built
      : buf(root, ['breaking', image, '--against', join(root, CONTRACT_IMAGE), '--exclude-imports']);
  });
}

/** Generated files that are missing, superfluous or different from what the protos yield. */
export function findGeneratedDrift(root: string): string[] {
  return inScratchFolder((scratch) => {
    const failures = buf(root, ['generate', '--output', scratch]);
    return failures.length > 0 ? failures : differences(join(scratch, GENERATED), join(root, GENERATED));
  });
}

/** Writes the image of the protos under root; comments are left out, so that they may change freely. */
export function buildContractImage(root: string, path: string): string[] {
  return buf(root, ['build', 'proto', '--exclude-source-info', '--output', path]);
}

function differences(expectedRoot: string, actualRoot: string): string[] {
  const expected = filesBelow(expectedRoot);
  const actual = filesBelow(actualRoot);
  return [...new Set([...expected.keys(), ...actual.keys()])].sort().flatMap((path) => {
    if (!actual.has(path)) return [`${path} is missing: run npm run generate`];
    if (!expected.has(path)) return [`${path} belongs to no proto: run npm run generate`];
    return expected.get(path) === actual.get(path)
      ? []
      : [`${path} is not what its proto yields: run npm run generate`];
  });
}

function filesBelow(root: string): Map<string, string> {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [relative(root, path), readFileSync(path, 'utf8')];
    }),
  );
}

function buf(root: string, args: readonly string[]): string[] {
  return inScratchFolder((cache) => {
    const result: SpawnSyncReturns<string> = spawnSync(join(BINARIES, 'buf'), args, {
      cwd: root,
      encoding: 'utf8',
      timeout: BUF_TIMEOUT_MS,
      env: { ...process.env, PATH: `${BINARIES}${delimiter}${process.env.PATH ?? ''}`, BUF_CACHE_DIR: cache },
    });
    if (result.error) throw result.error;
    if (result.status === 0) return [];
    const lines = `${result.stdout}${result.stderr}`.split('\n').filter((line) => line !== '');
    return lines.length > 0 ? lines : [`buf ${args[0]} ended with status ${result.status}`];
  });
}

function inScratchFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'earmark-proto-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
