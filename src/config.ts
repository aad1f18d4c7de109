import { BlockList, isIP } from 'node:net';

/** The environment as it was found: text or absent, nothing judged yet. An empty variable counts as absent. */
export interface ServerEnvironment {
  readonly grpcPort: string | undefined;
  readonly httpPort: string | undefined;
  readonly host: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly natsUrl: string | undefined;
  readonly natsServerBin: string | undefined;
  readonly dataDir: string | undefined;
  readonly seed: string | undefined;
  readonly auth: string | undefined;
  readonly insecure: string | undefined;
  readonly jwksUrl: string | undefined;
  readonly jwksFile: string | undefined;
  readonly jwtIssuer: string | undefined;
  readonly jwtAudience: string | undefined;
  readonly logLevel: string | undefined;
}

/** What the OpenTelemetry set-up decides on. The SDK reads the other `OTEL_*` variables by itself. */
export interface TelemetryEnvironment {
  readonly isDisabled: boolean;
  /** Whether spans have somewhere to go. */
  readonly exportsTraces: boolean;
  /** Whether metrics are sent out, besides being served for scraping. */
  readonly exportsMetrics: boolean;
  /** `grpc` or `http/json`; anything else means `http/protobuf`. */
  readonly metricsProtocol: string;
  readonly metricExportIntervalMs: number | undefined;
  /** Whether the operator chose the resource detectors. */
  readonly choosesDetectors: boolean;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where a server is: one that Earmark starts itself, or one that runs already. */
export type ServerConfig = { readonly kind: 'embedded' } | { readonly kind: 'external'; readonly url: string };

export interface Config {
  /** The address both doors bind. */
  readonly host: string;
  /** 0–65,535; 0 takes a free one. */
  readonly grpcPort: number;
  /** 0–65,535; 0 takes a free one. */
  readonly httpPort: number;
  readonly auth: 'none';
  readonly database: ServerConfig;
  readonly nats: ServerConfig;
  /** The nats-server program to start; the one of the npm package when undefined. */
  readonly natsServerBin: string | undefined;
  /** The directory of the embedded servers and of `endpoints.json`; not yet created, maybe relative. */
  readonly dataDir: string;
  /** `auto` loads the demonstration into an empty embedded database, and nothing else. */
  readonly seed: 'auto' | 'demo' | 'none';
  readonly logLevel: LogLevel;
}

/** The environment cannot be used. Each problem is one sentence that names its variable. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const DEFAULT_GRPC_PORT = 50_051;
const DEFAULT_HTTP_PORT = 8_080;
const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_DATA_DIR = '.earmark';
const PORT_MAX = 65_535;
const NATS_SERVERS_MAX = 32;
const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const DATABASE_PROTOCOLS = ['postgres:', 'postgresql:'];
const NATS_PROTOCOLS = ['nats:', 'tls:'];
const SECRET_PARAMETERS = /pass|secret|token|key/i;
const MASK = '***';

/** Reads the environment without judging it. */
export function readEnv(env: NodeJS.ProcessEnv = process.env): ServerEnvironment {
  return {
    grpcPort: present(env.EARMARK_GRPC_PORT),
    httpPort: present(env.EARMARK_HTTP_PORT),
    host: present(env.EARMARK_HOST),
    databaseUrl: present(env.DATABASE_URL),
    natsUrl: present(env.NATS_URL),
    natsServerBin: present(env.NATS_SERVER_BIN),
    dataDir: present(env.EARMARK_DATA_DIR),
    seed: present(env.EARMARK_SEED),
    auth: present(env.EARMARK_AUTH),
    insecure: present(env.EARMARK_INSECURE),
    jwksUrl: present(env.EARMARK_JWKS_URL),
    jwksFile: present(env.EARMARK_JWKS_FILE),
    jwtIssuer: present(env.EARMARK_JWT_ISSUER),
    jwtAudience: present(env.EARMARK_JWT_AUDIENCE),
    logLevel: present(env.EARMARK_LOG_LEVEL),
  };
}

/** Reads what decides whether and where telemetry goes, by the names the OpenTelemetry specification gives. */
export function readTelemetryEnv(env: NodeJS.ProcessEnv = process.env): TelemetryEnvironment {
  const everywhere = present(env.OTEL_EXPORTER_OTLP_ENDPOINT);
  const interval = Number(present(env.OTEL_METRIC_EXPORT_INTERVAL));
  return {
    isDisabled: present(env.OTEL_SDK_DISABLED)?.toLowerCase() === 'true',
    exportsTraces:
      (present(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) ?? everywhere) !== undefined &&
      present(env.OTEL_TRACES_EXPORTER) !== 'none',
    exportsMetrics:
      (present(env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT) ?? everywhere) !== undefined &&
      present(env.OTEL_METRICS_EXPORTER) !== 'none',
    metricsProtocol:
      present(env.OTEL_EXPORTER_OTLP_METRICS_PROTOCOL) ?? present(env.OTEL_EXPORTER_OTLP_PROTOCOL) ?? 'http/protobuf',
    metricExportIntervalMs: interval > 0 ? interval : undefined,
    choosesDetectors: present(env.OTEL_NODE_RESOURCE_DETECTORS) !== undefined,
  };
}

/**
 * Judges the environment and names every wrong value at once. No message repeats a URL, which may hold a password.
 * @throws ConfigError
 */
export function toConfig(environment: ServerEnvironment): Config {
  const problems: string[] = [];
  const database = toServer('DATABASE_URL', environment.databaseUrl, isDatabaseUrl, DATABASE_URL_RULE, problems);
  const nats = toServer('NATS_URL', environment.natsUrl, isNatsUrl, NATS_URL_RULE, problems);
  const config: Config = {
    host: environment.host ?? DEFAULT_HOST,
    grpcPort: toPort('EARMARK_GRPC_PORT', environment.grpcPort, DEFAULT_GRPC_PORT, problems),
    httpPort: toPort('EARMARK_HTTP_PORT', environment.httpPort, DEFAULT_HTTP_PORT, problems),
    auth: 'none',
    database,
    nats,
    natsServerBin: environment.natsServerBin,
    dataDir: environment.dataDir ?? DEFAULT_DATA_DIR,
    seed: toSeed(environment.seed, database, problems),
    logLevel: toChoice('EARMARK_LOG_LEVEL', environment.logLevel, LOG_LEVELS, 'info', problems),
  };
  if (config.grpcPort !== 0 && config.grpcPort === config.httpPort) {
    problems.push(`EARMARK_GRPC_PORT and EARMARK_HTTP_PORT must differ; both are ${config.grpcPort}.`);
  }
  checkAuthentication(environment, problems);
  checkHost(config.host, environment.insecure, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

const DATABASE_URL_RULE =
  'a URL like postgres://user:password@host:5432/database with special characters percent-encoded';
const NATS_URL_RULE = `one or more URLs like nats://host:4222, separated by commas, at most ${NATS_SERVERS_MAX}`;

/** The URL, or each of several separated by commas, without its password or token; `***` where it is no URL. */
export function maskUrl(url: string): string {
  const parts = /^(nats|tls):/i.test(url) ? url.split(',') : [url];
  const masked = parts.map((part) => maskOne(part.trim()));
  return masked.includes(MASK) ? MASK : masked.join(',');
}

function maskOne(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || isMisread(parsed)) return MASK;
  if (parsed.password !== '') parsed.password = MASK;
  // NATS takes a token in the place of the user.
  else if (parsed.username !== '' && NATS_PROTOCOLS.includes(parsed.protocol)) parsed.username = MASK;
  for (const name of [...parsed.searchParams.keys()]) {
    if (SECRET_PARAMETERS.test(name)) parsed.searchParams.set(name, MASK);
  }
  return parsed.href;
}

/** An unescaped `#`, `/` or `?` in a password moves its rest, and the `@`, behind the host. */
function isMisread(parsed: URL): boolean {
  return parsed.hash !== '' || `${parsed.pathname}${parsed.search}`.includes('@');
}

function present(value: string | undefined): string | undefined {
  const trimmed = value?.trim();
  return trimmed === '' ? undefined : trimmed;
}

function toPort(variable: string, text: string | undefined, fallback: number, problems: string[]): number {
  if (text === undefined) return fallback;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= PORT_MAX) return port;
  problems.push(
    `${variable} must be a whole number from 0 to ${PORT_MAX}, where 0 takes a free port; it is "${text}".`,
  );
  return fallback;
}

function toChoice<T extends string>(
  variable: string,
  text: string | undefined,
  choices: readonly T[],
  fallback: T,
  problems: string[],
): T {
  if (text === undefined) return fallback;
  const choice = choices.find((each) => each === text);
  if (choice === undefined) problems.push(`${variable} must be one of ${choices.join(', ')}; it is "${text}".`);
  return choice ?? fallback;
}

function toSeed(text: string | undefined, database: ServerConfig, problems: string[]): Config['seed'] {
  if (text === undefined) return database.kind === 'embedded' ? 'auto' : 'none';
  return toChoice('EARMARK_SEED', text, ['demo', 'none'], 'none', problems);
}

function toServer(
  variable: string,
  url: string | undefined,
  isUsable: (url: string) => boolean,
  rule: string,
  problems: string[],
): ServerConfig {
  if (url === undefined) return { kind: 'embedded' };
  if (!isUsable(url)) problems.push(`${variable} must be ${rule}; its value is not repeated here.`);
  return { kind: 'external', url };
}

function isDatabaseUrl(url: string): boolean {
  const parsed = URL.parse(url);
  return parsed !== null && DATABASE_PROTOCOLS.includes(parsed.protocol) && !isMisread(parsed);
}

function isNatsUrl(url: string): boolean {
  const parts = url.split(',').map((part) => URL.parse(part.trim()));
  return parts.length <= NATS_SERVERS_MAX && parts.every((part) => part !== null && isNatsServer(part));
}

function isNatsServer(parsed: URL): boolean {
  return NATS_PROTOCOLS.includes(parsed.protocol) && parsed.hostname !== '' && !isMisread(parsed);
}

function checkAuthentication(environment: ServerEnvironment, problems: string[]): void {
  const auth = environment.auth ?? 'none';
  if (auth === 'jwt') {
    problems.push('EARMARK_AUTH=jwt is not available in this version; the only value is none.');
    return;
  }
  if (auth !== 'none') problems.push(`EARMARK_AUTH must be none; it is "${auth}".`);
  const idle = Object.entries({
    EARMARK_JWKS_URL: environment.jwksUrl,
    EARMARK_JWKS_FILE: environment.jwksFile,
    EARMARK_JWT_ISSUER: environment.jwtIssuer,
    EARMARK_JWT_AUDIENCE: environment.jwtAudience,
  }).filter(([, value]) => value !== undefined);
  for (const [variable] of idle) {
    // Whoever sets this believes that callers are checked; starting would leave the doors open.
    problems.push(`${variable} needs EARMARK_AUTH=jwt, which is not available in this version; unset it.`);
  }
}

function checkHost(host: string, insecure: string | undefined, problems: string[]): void {
  if (insecure !== undefined && insecure !== '0' && insecure !== '1') {
    problems.push(`EARMARK_INSECURE must be 0 or 1; it is "${insecure}".`);
  }
  if (isIP(host) === 0 && !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(host)) {
    problems.push(`EARMARK_HOST must be an IP address or a host name; it is "${host}".`);
  } else if (!isLoopback(host) && insecure !== '1') {
    problems.push(
      `EARMARK_HOST=${host} would let anyone on the network reserve stock while EARMARK_AUTH=none; ` +
        'bind 127.0.0.1, or set EARMARK_INSECURE=1 where the network itself is closed.',
    );
  }
}

function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return host.toLowerCase() === 'localhost';
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(host, version === 4 ? 'ipv4' : 'ipv6');
}
