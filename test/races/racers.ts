import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CallCommand } from '../simulation/execute.ts';
import type { CallAnswer, Job, JobAnswer, MixReport } from './protocol.ts';

const WORKER = join(import.meta.dirname, 'worker.ts');
const EXIT_DEADLINE_MS = 10_000;

/** `Omit` over each member of a union. */
type Unnumbered<T> = T extends unknown ? Omit<T, 'jobId'> : never;

/** A process of its own on the same database. */
export class Racer {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (answer: JobAnswer) => void; reject: (error: Error) => void }>();
  readonly #ended: Promise<void>;
  #jobs = 0;

  private constructor(databaseUrl: string) {
    this.#child = spawn(process.execPath, [WORKER, databaseUrl], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', (code) => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`a racer ended with ${code}`));
        resolve();
      });
    });
    if (this.#child.stdout === null) throw new Error('a racer has no standard output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as JobAnswer;
      this.#waiting.get(answer.jobId)?.resolve(answer);
      this.#waiting.delete(answer.jobId);
    });
  }

  /** Starts two processes and waits until both are connected. */
  static async pair(databaseUrl: string): Promise<[Racer, Racer]> {
    const racers: [Racer, Racer] = [new Racer(databaseUrl), new Racer(databaseUrl)];
    await Promise.all(racers.map((racer) => racer.#answered(0)));
    return racers;
  }

  async calls(calls: readonly CallCommand[], inFlight = calls.length): Promise<readonly CallAnswer[]> {
    const answer = await this.#ask({ job: 'calls', calls, inFlight });
    if (!('answers' in answer)) throw new Error('calls were answered as something else');
    return answer.answers;
  }

  async mix(seed: number, loops: number, seconds: number): Promise<MixReport> {
    const answer = await this.#ask({ job: 'mix', seed, loops, seconds });
    if (!('mix' in answer)) throw new Error('a mix was answered as something else');
    return answer.mix;
  }

  /** Reserves one unit at a steady rate, however long the answers take; answers how long each took, in milliseconds. */
  async paced(sku: string, perSecond: number, seconds: number): Promise<readonly number[]> {
    const answer = await this.#ask({ job: 'paced', sku, perSecond, seconds });
    if (!('latenciesMs' in answer)) throw new Error('paced calls were answered as something else');
    return answer.latenciesMs;
  }

  /** Frees and flags what is past its deadline, once. */
  async sweep(): Promise<void> {
    await this.#ask({ job: 'sweep' });
  }

  /** Runs the service's own expiry worker in the process. */
  async startExpiry(): Promise<void> {
    await this.#ask({ job: 'start-expiry' });
  }

  async stopExpiry(): Promise<void> {
    await this.#ask({ job: 'stop-expiry' });
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), EXIT_DEADLINE_MS);
    await this.#ended;
    clearTimeout(killer);
  }

  #ask(job: Unnumbered<Job>): Promise<JobAnswer> {
    this.#jobs += 1;
    const answered = this.#answered(this.#jobs);
    this.#child.stdin?.write(`${JSON.stringify({ ...job, jobId: this.#jobs })}\n`);
    return answered;
  }

  #answered(jobId: number): Promise<JobAnswer> {
    return new Promise((resolve, reject) => this.#waiting.set(jobId, { resolve, reject }));
  }
}
