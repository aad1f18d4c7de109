import { parseArgs } from 'node:util';

/** How a simulated warehouse behaves. Delays in milliseconds, each from the step before. */
export interface SimulatorSettings {
  /** `nats://…`, credentials included. */
  readonly natsUrl: string;
  /** The warehouse system it plays. */
  readonly wms: string;
  /** Where it keeps its picture of stock; created when absent. */
  readonly dataDir: string;
  readonly startDelayMs: number;
  readonly pickDelayMs: number;
  readonly shipDelayMs: number;
  /** What it does wrong, each at {@link SimulatorSettings.rate}. */
  readonly misbehaviours: readonly Misbehaviour[];
  /** The share of picks, or for `lose` of answers, it does wrong: 0 to 1. */
  readonly rate: number;
  /** The same seed makes the same mistakes. */
  readonly seed: string;
}

/**
 * duplicate: answers again, under the same and under another id · lose: leaves answers out · disorder: ships before it
 * confirms the pick · short: does not find one unit · wrong-count: reports one unit too many · silent: never answers.
 */
export type Misbehaviour = 'duplicate' | 'lose' | 'disorder' | 'short' | 'wrong-count' | 'silent';

const MISBEHAVIOURS: readonly Misbehaviour[] = ['duplicate', 'lose', 'disorder', 'short', 'wrong-count', 'silent'];

export const DEFAULT_BEHAVIOUR = {
  startDelayMs: 1_000,
  pickDelayMs: 1_000,
  shipDelayMs: 2_000,
  misbehaviours: [],
  rate: 0.5,
  seed: '1',
} as const satisfies Partial<SimulatorSettings>;

/**
 * Settings from command line flags.
 * @throws Error in one sentence for a missing or malformed flag
 */
export function parseFlags(args: readonly string[]): SimulatorSettings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'nats-url': { type: 'string', default: 'nats://127.0.0.1:4222' },
      wms: { type: 'string' },
      'data-dir': { type: 'string' },
      'start-delay-ms': { type: 'string', default: String(DEFAULT_BEHAVIOUR.startDelayMs) },
      'pick-delay-ms': { type: 'string', default: String(DEFAULT_BEHAVIOUR.pickDelayMs) },
      'ship-delay-ms': { type: 'string', default: String(DEFAULT_BEHAVIOUR.shipDelayMs) },
      rate: { type: 'string', default: String(DEFAULT_BEHAVIOUR.rate) },
      seed: { type: 'string', default: DEFAULT_BEHAVIOUR.seed },
      duplicate: { type: 'boolean' },
      lose: { type: 'boolean' },
      disorder: { type: 'boolean' },
      short: { type: 'boolean' },
      'wrong-count': { type: 'boolean' },
      silent: { type: 'boolean' },
    },
  });
  if (values.wms === undefined || values['data-dir'] === undefined)
    throw new Error('--wms and --data-dir are required.');
  return {
    natsUrl: values['nats-url'],
    wms: values.wms,
    dataDir: values['data-dir'],
    startDelayMs: numberOf('start-delay-ms', values['start-delay-ms'], Number.MAX_SAFE_INTEGER),
    pickDelayMs: numberOf('pick-delay-ms', values['pick-delay-ms'], Number.MAX_SAFE_INTEGER),
    shipDelayMs: numberOf('ship-delay-ms', values['ship-delay-ms'], Number.MAX_SAFE_INTEGER),
    misbehaviours: MISBEHAVIOURS.filter((name) => values[name] === true),
    rate: numberOf('rate', values.rate, 1),
    seed: values.seed,
  };
}

function numberOf(flag: string, text: string, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= max))
    throw new Error(`--${flag} must be a number from 0 to ${max}.`);
  return value;
}
