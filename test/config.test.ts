import { describe, expect, it } from 'vitest';
import { type Config, ConfigError, maskUrl, readEnv, readTelemetryEnv, toConfig } from '../src/config.ts';

function configure(env: Record<string, string>): Config {
  return toConfig(readEnv(env));
}

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    configure(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('an empty environment', () => {
  it('gives the documented defaults', () => {
    expect(configure({})).toEqual({
      host: '127.0.0.1',
      grpcPort: 50_051,
      httpPort: 8_080,
      auth: 'none',
      database: { kind: 'embedded' },
      nats: { kind: 'embedded' },
      natsServerBin: undefined,
      dataDir: '.earmark',
      seed: 'auto',
      logLevel: 'info',
    });
  });

  it('is what empty and blank variables mean too', () => {
    expect(configure({ DATABASE_URL: '', EARMARK_HTTP_PORT: '  ', EARMARK_SEED: '', EARMARK_AUTH: '' })).toEqual(
      configure({}),
    );
  });
});

describe('every variable', () => {
  it('reaches the configuration', () => {
    const config = configure({
      EARMARK_GRPC_PORT: '0',
      EARMARK_HTTP_PORT: '65535',
      EARMARK_HOST: '::1',
      DATABASE_URL: 'postgres://u:p@db:5432/earmark',
      NATS_URL: 'nats://a:4222,tls://b:4222',
      NATS_SERVER_BIN: '/opt/nats-server',
      EARMARK_DATA_DIR: '/var/lib/earmark',
      EARMARK_SEED: 'demo',
      EARMARK_AUTH: 'none',
      EARMARK_LOG_LEVEL: 'debug',
    });
    expect(config).toEqual({
      host: '::1',
      grpcPort: 0,
      httpPort: 65_535,
      auth: 'none',
      database: { kind: 'external', url: 'postgres://u:p@db:5432/earmark' },
      nats: { kind: 'external', url: 'nats://a:4222,tls://b:4222' },
      natsServerBin: '/opt/nats-server',
      dataDir: '/var/lib/earmark',
      seed: 'demo',
      logLevel: 'debug',
    });
  });

  it('lets both ports be chosen freely', () => {
    expect(configure({ EARMARK_GRPC_PORT: '0', EARMARK_HTTP_PORT: '0' })).toMatchObject({ grpcPort: 0, httpPort: 0 });
  });

  it('never loads the demonstration into a database that is not ours unless told to', () => {
    expect(configure({ DATABASE_URL: 'postgres://db/x' }).seed).toBe('none');
    expect(configure({ DATABASE_URL: 'postgres://db/x', EARMARK_SEED: 'demo' }).seed).toBe('demo');
  });
});

describe('a wrong value', () => {
  it.each([
    ['EARMARK_GRPC_PORT', '65536'],
    ['EARMARK_GRPC_PORT', '-1'],
    ['EARMARK_GRPC_PORT', '80.5'],
    ['EARMARK_HTTP_PORT', '0x50'],
    ['EARMARK_HTTP_PORT', 'http'],
    ['EARMARK_HOST', 'not a host'],
    ['DATABASE_URL', 'mysql://db/x'],
    ['DATABASE_URL', 'db'],
    ['NATS_URL', 'http://nats:4222'],
    ['NATS_URL', 'nats://a:4222,,nats://b:4222'],
    ['NATS_URL', Array.from({ length: 33 }, (_, index) => `nats://n${index}:4222`).join(',')],
    ['EARMARK_SEED', 'full'],
    ['EARMARK_AUTH', 'basic'],
    ['EARMARK_INSECURE', 'yes'],
    ['EARMARK_LOG_LEVEL', 'loud'],
  ])('of %s is told in one sentence that names it: %s', (variable, value) => {
    const problems = problemsOf({ [variable]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${variable}\\b.*\\.$`));
  });

  it('is told together with all the others', () => {
    expect(problemsOf({ EARMARK_GRPC_PORT: 'x', EARMARK_HTTP_PORT: 'y', EARMARK_SEED: 'z' })).toHaveLength(3);
  });

  it('of two doors on one port is told', () => {
    expect(problemsOf({ EARMARK_GRPC_PORT: '7000', EARMARK_HTTP_PORT: '7000' })).toEqual([
      'EARMARK_GRPC_PORT and EARMARK_HTTP_PORT must differ; both are 7000.',
    ]);
  });

  it('never repeats a password', () => {
    const problems = problemsOf({ DATABASE_URL: 'mysql://u:hunter2@db', NATS_URL: 'http://u:hunter2@nats' });
    expect(problems).toHaveLength(2);
    expect(problems.join()).not.toContain('hunter2');
  });

  it('with an unescaped character in the password is refused, not misread', () => {
    expect(problemsOf({ DATABASE_URL: 'postgres://user:12/hunter@db/x' })).toHaveLength(1);
    expect(problemsOf({ NATS_URL: 'nats://user:12#hunter@nats:4222' })).toHaveLength(1);
  });
});

describe('authentication', () => {
  it('by JWT is refused, for this version cannot check it', () => {
    expect(problemsOf({ EARMARK_AUTH: 'jwt', EARMARK_JWKS_URL: 'https://id.example/keys' })).toEqual([
      'EARMARK_AUTH=jwt is not available in this version; the only value is none.',
    ]);
  });

  it.each(['EARMARK_JWKS_URL', 'EARMARK_JWKS_FILE', 'EARMARK_JWT_ISSUER', 'EARMARK_JWT_AUDIENCE'])(
    'half configured by %s does not start with open doors',
    (variable) => {
      expect(problemsOf({ [variable]: 'x' })).toEqual([expect.stringContaining(variable)]);
    },
  );
});

describe('without authentication', () => {
  it.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost', 'LOCALHOST'])('%s may be bound', (host) => {
    expect(configure({ EARMARK_HOST: host }).host).toBe(host);
  });

  it.each(['0.0.0.0', '::', '192.168.1.4', '::ffff:10.0.0.1', 'earmark.example', '128.0.0.1', '2130706433'])(
    '%s may not be bound, unless the operator insists',
    (host) => {
      expect(problemsOf({ EARMARK_HOST: host })).toEqual([expect.stringContaining('EARMARK_INSECURE=1')]);
      expect(problemsOf({ EARMARK_HOST: host, EARMARK_INSECURE: '0' })).toHaveLength(1);
      expect(configure({ EARMARK_HOST: host, EARMARK_INSECURE: '1' }).host).toBe(host);
    },
  );
});

describe('maskUrl', () => {
  it.each([
    ['postgres://u:secret@h:1/d', 'postgres://u:***@h:1/d'],
    ['postgres://u:a%40secret@h/d?sslmode=verify-full', 'postgres://u:***@h/d?sslmode=verify-full'],
    ['postgres://h/d?user=u&password=secret', 'postgres://h/d?user=u&password=***'],
    ['postgres://u:12/secret@h/d', '***'],
    ['postgres://u:12#secret@h/d', '***'],
    ['postgres://u:12?secret@h/d', '***'],
    ['nats://u:secret@a:1,nats://secret@b:2', 'nats://u:***@a:1,nats://***@b:2'],
    ['nats://u:12,secret@h:1', '***'],
    ['secret', '***'],
    ['nats://h:4222', 'nats://h:4222'],
  ])('%s becomes %s', (url, masked) => {
    expect(maskUrl(url)).toBe(masked);
  });
});

describe('readTelemetryEnv', () => {
  it('sends nothing anywhere unless an endpoint is set', () => {
    expect(readTelemetryEnv({})).toMatchObject({ isDisabled: false, exportsTraces: false, exportsMetrics: false });
  });

  it('sends traces and metrics to the common endpoint, unless one is switched off', () => {
    const common = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(readTelemetryEnv(common)).toMatchObject({ exportsTraces: true, exportsMetrics: true });
    expect(readTelemetryEnv({ ...common, OTEL_METRICS_EXPORTER: 'none' }).exportsMetrics).toBe(false);
    expect(readTelemetryEnv({ ...common, OTEL_TRACES_EXPORTER: 'none' }).exportsTraces).toBe(false);
  });

  it('sends traces alone to an endpoint for traces', () => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' };
    expect(readTelemetryEnv(env)).toMatchObject({ exportsTraces: true, exportsMetrics: false });
  });
});
