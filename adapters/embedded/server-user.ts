import { readFileSync, statSync } from 'node:fs';

/** The account a server runs as. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

const CANDIDATES = ['postgres', 'nobody'];

/**
 * The account for PostgreSQL, which refuses to run as root: `postgres` where it exists, else `nobody`.
 * @returns undefined for an ordinary user, who runs it under the own account.
 * @throws Error with one sentence when running as root on a system that has neither account.
 */
export function findServerUser(): ServerUser | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of CANDIDATES) {
    const account = accounts.find(([accountName]) => accountName === name);
    if (account) return { uid: Number(account[2]), gid: Number(account[3]) };
  }
  throw new Error(
    'PostgreSQL does not run as root and there is no user "postgres" or "nobody": start as another user.',
  );
}

/**
 * The account that owns a cluster, which PostgreSQL requires to run as. It stays the same when, say, a user `postgres`
 * is added to the system later.
 */
export function findOwner(cluster: string): ServerUser {
  const { uid, gid } = statSync(cluster);
  return { uid, gid };
}
