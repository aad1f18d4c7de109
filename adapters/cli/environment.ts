import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The variables the command line reads. */
export interface CliEnvironment {
  readonly url: string | undefined;
  readonly dataDir: string;
  readonly host: string | undefined;
  readonly grpcPort: string | undefined;
}

/** Where a service is. */
export interface ServiceAddress {
  /** The HTTP port, without a slash at the end. */
  readonly url: string;
  /** The gRPC port of the same process. */
  readonly grpcUrl: string;
}

const DEFAULT_DATA_DIR = '.earmark';
const DEFAULT_HTTP_PORT = 8_080;
const DEFAULT_GRPC_PORT = 50_051;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const ENDPOINTS_FILE = 'endpoints.json';

export function readCliEnvironment(env: NodeJS.ProcessEnv): CliEnvironment {
  return {
    url: present(env.EARMARK_URL),
    dataDir: present(env.EARMARK_DATA_DIR) ?? DEFAULT_DATA_DIR,
    host: present(env.EARMARK_HOST),
    grpcPort: present(env.EARMARK_GRPC_PORT),
  };
}

/**
 * Finds the service: the address asked for, else `EARMARK_URL`, else the process that runs over the data directory,
 * else the default ports of this machine.
 * @throws TypeError where an address is no http URL
 */
export function findService(environment: CliEnvironment, asked: string | undefined): ServiceAddress {
  const chosen = asked ?? environment.url;
  if (chosen !== undefined) {
    const url = parseHttpUrl(chosen);
    // What runs over the data directory of this machine says nothing about a service on another.
    const here = LOOPBACK.test(url.hostname) ? readEndpoints(environment.dataDir, url.port) : undefined;
    const grpcPort = environment.grpcPort ?? here?.grpcPort;
    return addressOf(url, Number(grpcPort ?? DEFAULT_GRPC_PORT));
  }
  const endpoints = readEndpoints(environment.dataDir);
  const port = endpoints?.httpPort ?? DEFAULT_HTTP_PORT;
  const url = new URL(`http://${localHost(environment.host)}:${port}`);
  return addressOf(url, endpoints?.grpcPort ?? Number(environment.grpcPort ?? DEFAULT_GRPC_PORT));
}

function addressOf(url: URL, grpcPort: number): ServiceAddress {
  return {
    url: url.href.replace(/\/+$/, ''),
    grpcUrl: `${url.protocol}//${url.hostname}:${grpcPort}`,
  };
}

function parseHttpUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TypeError(`"${text}" is not an address such as http://127.0.0.1:${DEFAULT_HTTP_PORT}`);
  }
  return url;
}

/** The address a caller on this machine reaches the service by: one bound to every address answers on loopback. */
function localHost(host: string | undefined): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

interface Endpoints {
  readonly httpPort: number;
  readonly grpcPort: number;
}

/** What the last process over the data directory wrote, if that process still runs. */
function readEndpoints(dataDir: string, httpPort?: string): Endpoints | undefined {
  try {
    const written = JSON.parse(readFileSync(join(dataDir, ENDPOINTS_FILE), 'utf8')) as Record<string, unknown>;
    const { pid, httpPort: http, grpcPort: grpc } = written;
    if (typeof pid !== 'number' || typeof http !== 'number' || typeof grpc !== 'number') return undefined;
    if (!isRunning(pid) || (httpPort !== undefined && httpPort !== String(http))) return undefined;
    return { httpPort: http, grpcPort: grpc };
  } catch {
    // No file, or one of another version: the default ports are then the best guess.
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function present(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === '' ? undefined : trimmed;
}
