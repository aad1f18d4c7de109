import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { maskUrl } from './config.ts';

/** Where a running process can be reached. */
export interface Endpoints {
  readonly pid: number;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly databaseUrl: string;
  readonly natsUrl: string;
}

const FILE_NAME = 'endpoints.json';
const OWNER_ONLY = 0o600;

/** Writes the unmasked endpoints for tools of the same user, readable by the owner alone. */
export async function writeEndpoints(dataDir: string, endpoints: Endpoints): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, FILE_NAME);
  const draft = `${path}.${endpoints.pid}`;
  await writeFile(draft, `${JSON.stringify(endpoints)}\n`, { mode: OWNER_ONLY });
  await chmod(draft, OWNER_ONLY);
  await rename(draft, path);
}

/** The one line on standard output that says the process is ready; passwords are masked. */
export function readyLine(endpoints: Endpoints): string {
  const { databaseUrl, natsUrl, ...rest } = endpoints;
  return JSON.stringify({ event: 'ready', ...rest, databaseUrl: maskUrl(databaseUrl), natsUrl: maskUrl(natsUrl) });
}
