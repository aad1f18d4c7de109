import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { applyPatch, parsePatch } from './apply-patch.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What the tests of a copy need of the project. */
const COPIED = ['src', 'adapters', 'proto', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'];

/** A copy of the project in which bugs are planted one at a time. */
export interface MutatedCopy {
  readonly directory: string;
  /** Plants a bug. @throws Error where its patch does not apply */
  plant(name: string): void;
  /** Takes the planted bug out again. */
  heal(): void;
  remove(): void;
}

export function copyProject(): MutatedCopy {
  const directory = mkdtempSync(join(tmpdir(), 'earmark-mutants-'));
  for (const entry of COPIED) cpSync(join(ROOT, entry), join(directory, entry), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  let changed: string[] = [];
  const heal = () => {
    for (const path of changed) cpSync(join(ROOT, path), join(directory, path));
    changed = [];
  };
  return {
    directory,
    plant: (name) => {
      heal();
      for (const [path, text] of mutate(name)) {
        writeFileSync(join(directory, path), text);
        changed.push(path);
      }
    },
    heal,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** The files a patch changes, as they are with the bug. @throws Error where the patch no longer applies */
export function mutate(name: string): Map<string, string> {
  const patch = parsePatch(readFileSync(join(import.meta.dirname, `${name}.patch`), 'utf8'));
  return new Map(
    patch.map((file) => {
      const path = relative(ROOT, join(ROOT, file.path));
      return [path, applyPatch(file, readFileSync(join(ROOT, path), 'utf8'))];
    }),
  );
}
