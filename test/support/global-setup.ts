import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import type { EmbeddedServer } from '../../adapters/embedded/embedded-server.ts';
import { startEmbeddedNats } from '../../adapters/embedded/nats-server.ts';
import { startEmbeddedPostgres } from '../../adapters/embedded/postgres.ts';
import { migrate } from '../../src/persistence/migrate.ts';
import { TEMPLATE_DATABASE, withDatabase } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's URL of the shared PostgreSQL; make a database of your own by `createTestDatabase`. */
    pgAdminUrl: string;
    /** The shared nats-server; a test that needs it to itself uses `startTestNats`. */
    natsUrl: string;
  }
}

/** Starts one PostgreSQL and one nats-server for the whole run, and stops them at its end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), 'earmark-test-'));
  const servers: EmbeddedServer[] = [];
  const teardown = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const serverBin = process.env.NATS_SERVER_BIN;
    const nats = await startEmbeddedNats({ dataDir: join(directory, 'nats'), port: 0, durable: false, serverBin });
    servers.push(nats);
    const postgres = await startEmbeddedPostgres({ dataDir: join(directory, 'postgres'), port: 0, durable: false });
    servers.push(postgres);
    await createTemplate(postgres.url);
    project.provide('pgAdminUrl', postgres.url);
    project.provide('natsUrl', nats.url);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

async function createTemplate(adminUrl: string): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`create database ${TEMPLATE_DATABASE}`);
  await admin.end();
  await migrate(withDatabase(adminUrl, TEMPLATE_DATABASE));
}
