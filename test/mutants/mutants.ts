/** A planted bug and the test that has to notice it. */
export interface Mutant {
  /** The patch beside this file, without its ending. */
  readonly name: string;
  readonly file: string;
  /** A part of the test's title; every test of the file where it is empty. */
  readonly title: string;
}

const CATCH = 'test/mutants/catch';
const REQUIRED = 'test/requirements';

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no-row-lock',
    file: `${CATCH}/two-processes.pg.test.ts`,
    title: 'R1: two processes that both want all there is',
  },
  {
    name: 'lookup-without-claim',
    file: `${CATCH}/two-processes.pg.test.ts`,
    title: 'R10: two processes that get one request at once',
  },
  { name: 'high-water-mark', file: `${CATCH}/late-commit.pg.test.ts`, title: '' },
  {
    name: 'state-without-expected-sequence',
    file: 'test/nats/publisher.nats.test.ts',
    title: 'never lets an older value replace a newer one',
  },
  {
    name: 'batch-without-expected-sequence',
    file: 'test/nats/publisher.nats.test.ts',
    title: 'keeps that for many pools at once',
  },
  { name: 'mark-before-publish', file: `${CATCH}/nats-away.e2e.test.ts`, title: '' },
  { name: 'counter-drift', file: `${CATCH}/ledger-after-everything.pg.test.ts`, title: 'R3: reserving, shipping' },
  { name: 'fulfil-keeps-on-hand', file: `${CATCH}/ledger-after-everything.pg.test.ts`, title: '' },
  { name: 'release-not-announced', file: `${CATCH}/ledger-after-everything.pg.test.ts`, title: '' },
  { name: 'message-without-inbox', file: `${CATCH}/message-once.pg.test.ts`, title: 'R10: a shipment of one unit' },
  {
    name: 'expiry-of-what-is-prepared',
    file: 'test/persistence/notifications.pg.test.ts',
    title: 'R7: a deadline that passes in preparation',
  },
  {
    name: 'replay-ignores-content',
    file: 'test/persistence/unit-of-work.pg.test.ts',
    title: 'R10: a request id with another request is refused',
  },
  {
    name: 'refusal-keeps-claim',
    file: 'test/persistence/unit-of-work.pg.test.ts',
    title: 'R17: a refused command may be sent again under its id',
  },
  { name: 'overtaken-milestone', file: 'test/domain/milestone.test.ts', title: 'that was overtaken' },
  {
    name: 'pick-before-its-milestone',
    file: 'test/nats/pick-on-messages.test.ts',
    title: 'to pick it only once the milestone was reported',
  },
  {
    name: 'early-milestone-forgotten',
    file: 'test/persistence/pick-on.pg.test.ts',
    title: 'where the milestone came before anything was reserved',
  },
  { name: 'milestone-beyond-window', file: 'test/domain/milestone.test.ts', title: 'leaves the shortest window' },
  {
    name: 'lines-checked-one-by-one',
    file: `${REQUIRED}/holding.pg.test.ts`,
    title: 'R2: lines of one SKU are summed',
  },
  {
    name: 'swap-gives-back-without-new',
    file: 'test/persistence/moves.pg.test.ts',
    title: 'R9: a swap that finds too little gives nothing back',
  },
  {
    name: 'swap-frees-only',
    file: 'test/persistence/moves.pg.test.ts',
    title: 'R9: a swap frees the old units and takes the new ones in one commit',
  },
  {
    name: 'transfer-to-a-full-warehouse',
    file: 'test/persistence/moves.pg.test.ts',
    title: 'R13: a transfer is held against the full quantity at the destination',
  },
  {
    name: 'substitute-without-consent',
    file: 'test/use-cases/substitutes.test.ts',
    title: 'holds nothing without consent',
  },
  {
    name: 'substitutes-beyond-the-maximum',
    file: 'test/use-cases/substitutes.test.ts',
    title: 'holds no more of an equivalent than exchanges may',
  },
  {
    name: 'equivalents-not-locked',
    file: 'test/persistence/substitutes.pg.test.ts',
    title: 'locked from the start',
  },
  {
    name: 'altered-event-passes',
    file: 'test/persistence/ledger-events.pg.test.ts',
    title: 'HASH_CHAIN: an audit event whose bytes tell of',
  },
  {
    name: 'removed-event-passes',
    file: 'test/persistence/ledger-checkpoints.pg.test.ts',
    title: 'REMOVED_EVENT: a reservation that was taken out',
  },
  {
    name: 'uncovered-event-passes',
    file: 'test/persistence/ledger-checkpoints.pg.test.ts',
    title: 'UNCOVERED_EVENT: an event that was slipped in',
  },
  {
    name: 'checkpoint-claims-too-much',
    file: 'test/persistence/ledger-checkpoints.pg.test.ts',
    title: 'an event that is committed late is covered',
  },
  {
    name: 'checkpoint-ahead-of-commits',
    file: 'test/persistence/ledger-checkpoints.pg.test.ts',
    title: 'an event that is committed late is covered',
  },
  {
    name: 'refusal-leaves-nothing',
    file: 'test/persistence/refusals.pg.test.ts',
    title: 'leaves its reason, the numbers seen and the rule version',
  },
  {
    name: 'promotion-ignores-order',
    file: 'test/persistence/waitlist-queue.pg.test.ts',
    title: 'R19: the queue is served in order, each freed unit once',
  },
  {
    name: 'promotion-while-short',
    file: 'test/persistence/waitlist-queue.pg.test.ts',
    title: 'R19: the queue is never served while the pool is short',
  },
  {
    name: 'promotion-twice',
    file: 'test/domain/promotion.test.ts',
    title: 'once nothing waits any more it is RESERVED',
  },
  {
    name: 'swap-ignores-safety-stock',
    file: 'test/domain/swap.test.ts',
    title: 'is left what is kept as safety stock',
  },
  {
    name: 'sales-eat-the-minimum',
    file: 'test/persistence/exchange-minimum.pg.test.ts',
    title: 'is never eaten by sales that race exchanges',
  },
  {
    name: 'fewest-not-looked-for',
    file: 'test/domain/sourcing-strategies.test.ts',
    title: 'one that has all lines, though earlier ones have each',
  },
  { name: 'minimum-not-shared-anew', file: 'test/domain/locked-pools.test.ts', title: 'when one of its pools changes' },
  {
    name: 'rules-change-no-version',
    file: 'test/wire/stock-rules.pg.test.ts',
    title: 'R16: what rules say of a pool is the same',
  },
  {
    name: 'unit-held-twice',
    file: 'test/persistence/units.pg.test.ts',
    title: 'R12: of 50 requests for one unit over two processes',
  },
  {
    name: 'lost-unit-not-replaced',
    file: 'test/persistence/lost-units.pg.test.ts',
    title: 'R15: a free unit takes the place',
  },
  {
    name: 'release-returns-elsewhere',
    file: 'test/persistence/units.pg.test.ts',
    title: 'R14: a release gives the same units back',
  },
  {
    name: 'notice-sent-twice',
    file: 'test/persistence/notifications.pg.test.ts',
    title: 'also where its cause comes again',
  },
  {
    name: 'shortage-hidden-by-clamping',
    file: 'test/persistence/shortages.pg.test.ts',
    title: 'R15: a count below what is reserved is accepted and names the lowest priority',
  },
  {
    name: 'shortage-takes-the-oldest',
    file: 'test/persistence/shortages.pg.test.ts',
    title: 'R15: a count below what is reserved closes by itself when stock recovers',
  },
  {
    name: 're-source-ignores-what-is-free',
    file: 'test/domain/shortage-cures.test.ts',
    title: 'is an event of its own after the loss',
  },
  {
    name: 're-source-leaves-the-reserved-count',
    file: 'test/persistence/shortage-cures.pg.test.ts',
    title: 'in the commit that finds it',
  },
  {
    name: 're-source-moves-what-is-pinned',
    file: 'test/persistence/shortage-cures.pg.test.ts',
    title: 'never of what a warehouse has begun',
  },
  {
    name: 'put-rules-touches-live',
    file: 'test/persistence/rules.pg.test.ts',
    title: 'leaves a hundred live reservations as they are',
  },
  {
    name: 'warning-sent-twice',
    file: 'test/persistence/expiry-warning.pg.test.ts',
    title: 'is sent once, whichever of two processes looks',
  },
  {
    name: 'simulation-forgets-what-was-asked',
    file: 'test/domain/rule-simulation.test.ts',
    title: 'keeps the window that its request asked for',
  },
  {
    name: 'counter-held-against-itself',
    file: 'test/persistence/ledger.pg.test.ts',
    title: 'R3: a drift of 1 is found and named RESERVED_COUNTER: a pool reserves more',
  },
  {
    name: 'release-forgets-swapped-lines',
    file: 'test/persistence/moves.pg.test.ts',
    title: 'R4: a hundred times reserved',
  },
  { name: 'released-twice', file: `${REQUIRED}/ending.pg.test.ts`, title: 'R5: what has ended by a release' },
  {
    name: 'expiry-sleeps-through',
    file: 'test/races/expiry-worker.e2e.test.ts',
    title: 'R6: on a SKU nobody asks for',
  },
  {
    name: 'expired-is-fulfilled',
    file: `${REQUIRED}/ending.pg.test.ts`,
    title: 'R8: after the deadline every call hears EXPIRED',
  },
  { name: 'larger-set-never-tried', file: 'test/races/mixed-race.e2e.test.ts', title: 'R11: lines in any order' },
  {
    name: 'released-to-the-first-place',
    file: `${REQUIRED}/holding.pg.test.ts`,
    title: 'R14: a release gives every unit back',
  },
  { name: 'net-count-taken-as-gross', file: `${REQUIRED}/holding.pg.test.ts`, title: 'R16: a feed of what is on hand' },
  {
    name: 'holds-what-comes-back',
    file: `${REQUIRED}/holding.pg.test.ts`,
    title: 'R17: what is held is the replacement alone',
  },
  {
    name: 'answered-before-the-commit',
    file: `${REQUIRED}/holding.pg.test.ts`,
    title: 'R18: when Reserve answers, the unit is held',
  },
  {
    name: 'sweep-without-bound',
    file: 'test/races/many-holds.e2e.test.ts',
    title: 'R20: thousands that fall due at once',
  },
  { name: 'refusal-forgets-sales', file: `${REQUIRED}/holding.pg.test.ts`, title: 'P21: too little is told' },
  {
    name: 'order-line-without-sum',
    file: `${REQUIRED}/holding.pg.test.ts`,
    title: 'P22: a line is never exchanged beyond',
  },
  { name: 'item-gets-another-id', file: 'test/persistence/item-ids.pg.test.ts', title: 'P24: an item id is any text' },
  {
    name: 'place-must-be-named',
    file: `${REQUIRED}/holding.pg.test.ts`,
    title: 'P25: one call that names only what is wanted',
  },
  { name: 'release-only-at-the-end', file: `${REQUIRED}/ending.pg.test.ts`, title: 'P26: whether a status releases' },
];
