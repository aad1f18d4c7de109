import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Keeps what a test measured under a name in the file of the scale run; does nothing in any other run. */
export function recordScale(name: string, measured: object): void {
  const file = process.env.EARMARK_SCALE_RESULTS ?? '';
  if (file === '') return;
  mkdirSync(dirname(file), { recursive: true });
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : {};
  writeFileSync(file, `${JSON.stringify({ ...before, [name]: measured }, null, 2)}\n`);
}
