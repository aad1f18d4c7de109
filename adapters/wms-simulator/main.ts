import { randomUUID } from 'node:crypto';
import { trace } from '@opentelemetry/api';
import { parseFlags, type SimulatorSettings } from './settings.ts';
import { runSimulator } from './simulator.ts';

/** A stop may take this long, in milliseconds; after it the process ends whatever is left. */
const STOP_MAX_MS = 5_000;

const settings = await readSettings();
const simulator = runSimulator(settings, {
  log: (message) => {
    process.stderr.write(
      `${JSON.stringify({ level: 'warn', event: 'warehouse-simulator', wms: settings.wms, message })}\n`,
    );
  },
  now: Date.now,
  random: Math.random,
  newInstance: `simulator-${randomUUID()}`,
});
let isStopping = false;

process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => void stop());
// The channel to a parent ends with the parent, however it died: no simulator outlives the service that started it.
process.on('disconnect', () => void stop());
process.send?.({ event: 'started' });

async function stop(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  setTimeout(() => process.exit(1), STOP_MAX_MS).unref();
  await simulator.stop();
  await flushSpans();
  process.exit(0);
}

/** From a parent by message, so that the NATS password stands on no command line; else from the flags. */
async function readSettings(): Promise<SimulatorSettings> {
  if (process.send !== undefined) {
    return new Promise((resolve) => process.once('message', (message) => resolve(message as SimulatorSettings)));
  }
  try {
    return parseFlags(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

/** Sends the last spans where an SDK is loaded; without one there is nothing to send. */
async function flushSpans(): Promise<void> {
  const provider = trace.getTracerProvider() as { getDelegate?: () => { forceFlush?: () => Promise<void> } };
  await provider
    .getDelegate?.()
    .forceFlush?.()
    .catch(() => undefined);
}
