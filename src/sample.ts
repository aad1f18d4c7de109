import { join } from 'node:path';
import { loadSampleCatalogue } from '../adapters/sample-catalogue/load-sample-catalogue.ts';
import { startSimulator } from '../adapters/wms-simulator/spawn.ts';
import type { Endpoints } from './endpoints.ts';
import { SYSTEM_IDS } from './runtime.ts';
import type { Service } from './service.ts';

/** The demonstration that runs beside a service: a catalogue with stock, and a warehouse that answers. */
export interface Sample {
  /** Where things are and what to try next, for a person. */
  welcome(endpoints: Endpoints): string;
  stop(): Promise<void>;
}

export interface SampleOptions {
  readonly natsUrl: string;
  readonly dataDir: string;
}

/** The warehouse system of every sample warehouse. */
const SAMPLE_WMS = 'sim';

/**
 * Loads the sample catalogue into an empty database and simulates its warehouses. Answers null where the database has
 * other warehouses: then there is nothing to demonstrate.
 */
export async function startSample(service: Service, options: SampleOptions): Promise<Sample | null> {
  const { unitOfWork, stock } = service.engine;
  const warehouses = await stock.warehouses();
  const isOthers = warehouses.length > 0 && !warehouses.some((warehouse) => warehouse.wms === SAMPLE_WMS);
  if (isOthers) return null;
  // Stock is loaded last, so a start that was cut off in between loads again, and what is there is not repeated.
  const { rows } = await stock.list([], [], { size: 1, token: '' });
  if (rows.length === 0) await loadSampleCatalogue({ unitOfWork, ids: SYSTEM_IDS });
  const simulator = await startSimulator({
    natsUrl: options.natsUrl,
    wms: SAMPLE_WMS,
    dataDir: join(options.dataDir, 'wms-simulator'),
  });
  return { welcome, stop: () => simulator.stop() };
}

function welcome({ grpcPort, httpPort }: Endpoints): string {
  return `
Earmark is ready, with a sample catalogue and a simulated warehouse.
  gRPC                      127.0.0.1:${grpcPort}
  HTTP, Connect and JSON    http://127.0.0.1:${httpPort}

Try a first exchange:
  npx earmark reserve SHOE-RED-42 --exchange EX-1
  npx earmark show --exchange EX-1

`;
}
