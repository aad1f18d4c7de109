import type { ExchangeState } from './working-set.ts';

/** The exchanges as one unit of work reads and changes them. */
export class ExchangeStates {
  readonly #states: Map<string, ExchangeState>;
  readonly #changed = new Set<string>();

  constructor(states: readonly ExchangeState[]) {
    this.#states = new Map(states.map((state) => [state.exchangeId, state]));
  }

  get(exchangeId: string): ExchangeState {
    return this.#states.get(exchangeId) ?? { exchangeId, reservationId: null, closedBy: null };
  }

  /** A new reservation is the newest of its exchange. */
  open(exchangeId: string, reservationId: string): void {
    this.#put({ exchangeId, reservationId, closedBy: null });
  }

  /** Lets nothing more be reserved for it; the first milestone that closed it stands. Answers whether it was this one. */
  close(exchangeId: string, milestone: string): boolean {
    const state = this.get(exchangeId);
    if (state.closedBy !== null) return false;
    this.#put({ ...state, closedBy: milestone });
    return true;
  }

  changed(): ExchangeState[] {
    return [...this.#changed].map((exchangeId) => this.get(exchangeId));
  }

  #put(state: ExchangeState): void {
    this.#states.set(state.exchangeId, state);
    this.#changed.add(state.exchangeId);
  }
}
