import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readEnv, toConfig } from '../../src/config.ts';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly read_only?: boolean;
  readonly tmpfs?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
  readonly [other: string]: unknown;
}

const DRAIN_SECONDS_MAX = 30;

const compose = parse(read('docker-compose.yml')) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const services = Object.entries(compose.services);

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

function service(name: string): Service {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`There is no service ${name}.`);
  return found;
}

/** What Compose makes of `${NAME:-default}`. */
function interpolate(text: string, env: Record<string, string> = {}): string {
  return text.replace(/\$\{(\w+):-([^}]*)\}/g, (_all, name: string, fallback: string) => env[name] ?? fallback);
}

function environmentOf(name: string, env: Record<string, string> = {}): Record<string, string> {
  const entries = Object.entries(service(name).environment ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, interpolate(value, env)]));
}

describe.each(services)('the service %s', (name, described) => {
  it('publishes its ports on this machine alone', () => {
    for (const port of described.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(described).not.toHaveProperty('network_mode');
  });

  it('has no more rights than it needs', () => {
    expect(described.security_opt).toContain('no-new-privileges:true');
    for (const right of ['privileged', 'cap_add', 'pid', 'devices']) expect(described).not.toHaveProperty(right);
    expect((described.volumes ?? []).join()).not.toContain('docker.sock');
  });

  it('comes from a release with a number, or from here', () => {
    if (described.build === undefined) expect(described.image).toMatch(/:\d+(\.\d+)*(-[a-z]+)?$/);
    else expect(described.build, name).toBe('.');
  });

  it('keeps its logs within bounds', () => {
    expect(described.logging).toEqual({ driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } });
  });

  it('mounts only what exists', () => {
    for (const volume of described.volumes ?? []) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('./')) expect(existsSync(new URL(`../../${source}`, import.meta.url))).toBe(true);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
  });
});

describe('Earmark', () => {
  it('is configured in a way it accepts', () => {
    expect(toConfig(readEnv(environmentOf('earmark')))).toMatchObject({
      host: '0.0.0.0',
      grpcPort: 50_051,
      httpPort: 8_080,
      database: { kind: 'external' },
      nats: { kind: 'external' },
      seed: 'demo',
    });
  });

  it('waits for PostgreSQL and NATS to be healthy, and not for telemetry', () => {
    expect(service('earmark').depends_on).toEqual({
      postgres: { condition: 'service_healthy' },
      nats: { condition: 'service_healthy' },
      telemetry: { condition: 'service_started' },
    });
    for (const name of ['postgres', 'nats']) expect(service(name).healthcheck?.test[0]).toBe('CMD');
  });

  it('cannot write but to its data directory and /tmp', () => {
    expect(service('earmark')).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(service('earmark').tmpfs).toEqual(['/tmp', '/var/lib/earmark:uid=1000,gid=1000,mode=0700']);
    expect(service('earmark').volumes).toBeUndefined();
  });

  it('is given the time to drain', () => {
    expect(Number.parseInt(service('earmark').stop_grace_period ?? '', 10)).toBeGreaterThan(DRAIN_SECONDS_MAX);
  });

  it('sends its telemetry to the collector', () => {
    expect(environmentOf('earmark').OTEL_EXPORTER_OTLP_ENDPOINT).toBe('http://telemetry:4318');
  });
});

describe('passwords', () => {
  it('come from the environment, the same on both sides', () => {
    const env = { POSTGRES_PASSWORD: 'chosen-for-postgres', NATS_PASSWORD: 'chosen-for-nats' };
    const earmark = environmentOf('earmark', env);
    expect(new URL(earmark.DATABASE_URL ?? '').password).toBe(environmentOf('postgres', env).POSTGRES_PASSWORD);
    expect(new URL(earmark.NATS_URL ?? '').password).toBe(environmentOf('nats', env).NATS_PASSWORD);
    expect(earmark.DATABASE_URL).toContain('chosen-for-postgres');
    expect(earmark.NATS_URL).toContain('chosen-for-nats');
  });
});

describe('PostgreSQL', () => {
  it('keeps its data where version 18 expects the volume', () => {
    expect(service('postgres').image).toBe('postgres:18');
    expect(service('postgres').volumes).toEqual(['postgres-data:/var/lib/postgresql']);
  });
});
