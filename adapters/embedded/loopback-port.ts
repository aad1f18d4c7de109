import { randomInt } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

/**
 * Ports below 32768 are outside the range from which Linux takes ports for outgoing connections. A client that
 * reconnects to a port inside that range can connect to itself and so keep the server from coming back.
 */
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_000;
const PORT_ATTEMPTS = 50;

/**
 * Chooses a port on 127.0.0.1: `wanted` itself unless it is 0, else the one remembered in `file` while it is free,
 * else a random free one, which is then remembered.
 * @throws Error with one sentence when the wanted port is taken, or no free one is found.
 */
export async function chooseLoopbackPort(wanted: number, file: string): Promise<number> {
  if (wanted !== 0) {
    if (await isFree(wanted)) return wanted;
    throw new Error(`Port ${wanted} on 127.0.0.1 is taken by another program.`);
  }
  const remembered = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (Number.isInteger(remembered) && remembered > 0 && remembered < 65_536 && (await isFree(remembered))) {
    return remembered;
  }
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await isFree(port)) {
      writeFileSync(file, `${port}\n`, { mode: 0o600 });
      return port;
    }
  }
  throw new Error(`No free port on 127.0.0.1 between ${LOWEST_PORT} and ${HIGHEST_PORT}.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1' }, () => probe.close(() => resolve(true)));
  });
}
