import { promoteQueues } from '../../src/use-cases/promote-queues.ts';
import { refreshPools } from '../../src/use-cases/refresh-pools.ts';
import { isByClock, principalOf, type ReserveCommand, type SimCommand } from './commands.ts';
import { execute, executeTogether } from './execute.ts';
import { CommandGenerator } from './generate.ts';
import { brokenInvariants } from './invariants.ts';
import { differingKpis } from './kpis.ts';
import { canonOfLevels, canonOfPool } from './model/canon.ts';
import { serveQueues } from './model/queue.ts';
import { isShort, settle } from './model/shortage.ts';
import { emptyModel, freeDue, isLive, isMovable, type Model, SKUS, WAREHOUSES } from './model/state.ts';
import { SeededRandom } from './random.ts';
import { type Explanation, expectedInOrder, explain, type Submitted } from './serial-order.ts';
import { compareWithModel, readSnapshot, type Snapshot } from './snapshot.ts';
import type { World } from './world.ts';

/** Steps of one history; a step is one or several commands, or a move of the clock. */
export const STEPS = 25;

/** When every history begins: 2030-01-01, in milliseconds since the Unix epoch. */
const START_AT = 1_893_456_000_000;

const TOGETHER_MAX = 4;

const SERVE_DEADLINE_MS = 20_000;
const DAY_MS = 86_400_000;

/** One to read the clock, one to find that it was long enough ago, one more. */
const CHECKPOINT_STEPS = 3;

/**
 * How the commands of a step are sent. `alone`, `together` (one BatchReserve) and `move-clock` must equal the model in
 * the given order. `batch` (one engine, one unit of work) and `race` (two engines) must equal the model in some serial
 * order, which decides both the answers and what is stored.
 */
type StepKind = 'alone' | 'together' | 'batch' | 'race' | 'move-clock';

export interface HistoryReport {
  readonly seed: number;
  readonly steps: number;
  readonly commands: number;
  /** Batches whose effects came in another order than they were sent. */
  readonly reordered: number;
  /** Tries of units that failed and were repeated. */
  readonly retries: number;
}

/** A history in which the service and the model differ, with all that is needed to look into it. */
export class HistoryFailure extends Error {
  override name = 'HistoryFailure';
}

/** Runs one history from its seed. @throws HistoryFailure */
export async function runHistory(world: World, seed: number): Promise<HistoryReport> {
  const random = new SeededRandom(seed);
  await world.reset(seed, START_AT);
  const run = new HistoryRun(world, seed, random);
  await run.stockUp();
  for (let step = 0; step < STEPS; step += 1) await run.step();
  await run.refreshPools();
  await run.verifyLedger();
  await run.verifyKpis();
  return run.report();
}

class HistoryRun {
  readonly #world: World;
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #generator: CommandGenerator;
  readonly #log: string[] = [];
  #model: Model = emptyModel(START_AT);
  #commands = 0;
  #reordered = 0;

  constructor(world: World, seed: number, random: SeededRandom) {
    this.#world = world;
    this.#seed = seed;
    this.#random = random;
    this.#generator = new CommandGenerator(random);
  }

  report(): HistoryReport {
    const { length } = this.#world.failures;
    return { seed: this.#seed, steps: STEPS, commands: this.#commands, reordered: this.#reordered, retries: length };
  }

  /** All pools but one get some stock; the last is there to be created later. */
  async stockUp(): Promise<void> {
    const pools = SKUS.flatMap((sku) => WAREHOUSES.map((warehouse) => ({ sku, warehouse }))).slice(0, -1);
    const changes = pools.map((pool) => ({ ...pool, delta: { onHand: this.#random.int(1, 7) } }));
    await this.#send('alone', [{ kind: 'receive', requestId: 'first', changes }]);
  }

  async step(): Promise<void> {
    const kind = this.#random.weighted<StepKind>([
      [10, 'alone'],
      [3, 'together'],
      [5, 'batch'],
      [4, 'race'],
      [4, 'move-clock'],
    ]);
    if (kind === 'move-clock') return await this.#moveClock();
    const size = kind === 'alone' ? 1 : this.#random.int(2, TOGETHER_MAX);
    const commands =
      kind === 'together'
        ? this.#generator.batch(this.#model, size)
        : Array.from({ length: size }, () => this.#generator.next(this.#model));
    if (kind === 'race' && this.#random.chance(0.3)) commands.splice(1, 1, commands[0] as SimCommand);
    await this.#send(kind, commands);
  }

  /** Some time on, or exactly onto a deadline, or just before or after it, or to where it is warned of. */
  async #moveClock(): Promise<void> {
    const deadlines = this.#model.reservations.filter((one) => isLive(one)).map((one) => one.expireAt);
    const jump =
      deadlines.length > 0 && this.#random.chance(0.7)
        ? this.#random.pick(deadlines) + this.#random.pick([0, 0, 1, -1, -DAY_MS])
        : this.#model.now + this.#random.int(1, 15 * 60_000);
    const now = Math.max(jump, this.#model.now);
    this.#log.push(`move-clock by ${now - this.#model.now} ms`);
    await this.#world.setClock(now);
    this.#model.now = now;
    const { reservations } = this.#model;
    const isLacking = isShort(this.#model);
    const waits = reservations.some((one) => one.state === 'WAITLISTED');
    // What falls due goes to those that lack units, then to those that wait; until it is swept they do not know.
    const refs = isLacking || waits ? reservations.filter((one) => isMovable(one) && one.expireAt <= now) : [];
    if (refs.length > 0) await this.#submit('alone', [{ kind: 'sweep', refs }]);
    freeDue(this.#model);
    settle(this.#model);
    serveQueues(this.#model);
    if (waits || isLacking) await this.#serve();
    await this.#check([{ model: this.#model, order: [] }]);
  }

  /** Rules that let more be had free units of pools that no command touches, for who lacks some and for who waits. */
  async #serve(): Promise<void> {
    const [engine] = this.#world.engines;
    await promoteQueues(engine, SKUS, AbortSignal.timeout(SERVE_DEADLINE_MS));
  }

  async #send(kind: StepKind, commands: readonly SimCommand[]): Promise<void> {
    const ordered = kind === 'batch' ? inTurn(commands) : commands;
    for (const command of ordered) this.#log.push(`${kind} ${JSON.stringify(command)}`);
    this.#commands += ordered.length;
    const before = this.#model;
    const submitted = await this.#submit(kind, ordered);
    const explanations = explain(before, submitted, kind === 'alone' || kind === 'together');
    if (ordered.some((command) => command.kind === 'rules')) await this.#serve();
    const found = await this.#check(explanations, () => ({
      answers: submitted.map((one) => one.outcome),
      expected: expectedInOrder(before, submitted),
    }));
    if (kind === 'batch' && found.order.some((at, position) => at !== position)) this.#reordered += 1;
    this.#model = found.model;
  }

  async #submit(kind: StepKind, commands: readonly SimCommand[]): Promise<Submitted[]> {
    const [first, second] = this.#world.engines;
    const one = this.#random.chance(0.5) ? first : second;
    try {
      const outcomes =
        kind === 'together'
          ? await executeTogether(one, this.#world, commands as ReserveCommand[])
          : await Promise.all(
              commands.map((command, at) =>
                execute(kind === 'race' ? (at % 2 === 0 ? first : second) : one, this.#world, command),
              ),
            );
      const rank = this.#commands - commands.length;
      return commands.map((command, at) => ({
        command,
        outcome: outcomes[at] ?? { refused: 'no answer' },
        rank: rank + at,
      }));
    } catch (error) {
      throw this.#failure([`a command failed: ${error instanceof Error ? error.stack : String(error)}`]);
    }
  }

  /** The first explanation that also fits what is stored. */
  async #check(explanations: Iterable<Explanation>, told: () => unknown = () => ({})): Promise<Explanation> {
    const { client } = this.#world;
    const [broken, snapshot] = await Promise.all([brokenInvariants(client), readSnapshot(client)]);
    if (broken.length > 0) throw this.#failure(broken);
    let closest: string[] | null = null;
    for (const explanation of explanations) {
      const differences = compareWithModel(snapshot, explanation.model, this.#world);
      if (differences.length === 0) return explanation;
      closest ??= differences;
    }
    const why = closest ?? ['no serial order gives these answers', JSON.stringify(told(), null, 1)];
    throw this.#failure([...why, `stored: ${summaryOf(snapshot)}`]);
  }

  /** Pools that nobody touched follow the rules too, and then show what the model makes of them. */
  async refreshPools(): Promise<void> {
    const [engine] = this.#world.engines;
    await refreshPools(engine, SKUS, { lane: 'background' });
    freeDue(this.#model);
    const levels = (await engine.stock.read(SKUS, [])).map((view) => view.level);
    const shown = JSON.stringify(canonOfLevels(levels));
    const keys = levels.map(({ sku, warehouse }) => `${sku}@${warehouse}`).sort();
    const expected = JSON.stringify(keys.map((key) => canonOfPool(this.#model, key)));
    if (shown !== expected) throw this.#failure([`pools show ${shown}`, `the model has ${expected}`]);
  }

  /** Before and after a checkpoint over what the clock lets it cover. */
  async verifyLedger(): Promise<void> {
    await this.#verify();
    const lease = await this.#world.engines[0].checkpoints.lead();
    if (lease === null) throw this.#failure(['the lease for checkpoints is held by nobody, and is not given']);
    for (let time = 0; time < CHECKPOINT_STEPS; time += 1) await lease.extend();
    await lease.release();
    await this.#verify();
  }

  async #verify(): Promise<void> {
    const { drifts } = await this.#world.engines[0].ledger.verify();
    if (drifts.length > 0) throw this.#failure(drifts.map((drift) => `drift ${JSON.stringify(drift)}`));
  }

  /** I21: the service's figures are those that its events give. */
  async verifyKpis(): Promise<void> {
    const period = { from: START_AT, until: this.#model.now + 1 };
    const found = await differingKpis(this.#world.engines[0], this.#random, period);
    if (found.length > 0) throw this.#failure(found);
  }

  #failure(why: readonly string[]): HistoryFailure {
    const steps = this.#log.map((line, at) => `  ${at}: ${line}`).join('\n');
    const again = `EARMARK_SEED_ONLY=${this.#seed}`;
    return new HistoryFailure(
      `seed ${this.#seed} (again: ${again})\n${why.join('\n')}\nstart ${START_AT}, now ${this.#model.now}, steps:\n${steps}`,
    );
  }
}

/** The order in which one unit decides: principals take turns, what the clock does comes last. */
function inTurn(commands: readonly SimCommand[]): SimCommand[] {
  const queues = new Map<string, SimCommand[]>();
  for (const command of commands.filter((one) => !isByClock(one))) {
    const principal = principalOf(command);
    queues.set(principal, [...(queues.get(principal) ?? []), command]);
  }
  const ordered: SimCommand[] = [];
  for (let round = 0; round < commands.length; round += 1) {
    for (const queue of queues.values()) ordered.push(...queue.slice(round, round + 1));
  }
  return [...ordered, ...commands.filter(isByClock)];
}

function summaryOf(snapshot: Snapshot): string {
  return JSON.stringify({ pools: snapshot.pools, orderLines: snapshot.orderLines });
}
