import { hash } from 'node:crypto';

/**
 * The Merkle tree of RFC 6962, section 2.1: a leaf is SHA-256(0x00 ‖ data), a node SHA-256(0x01 ‖ left ‖ right), and the
 * left subtree of n leaves holds the largest power of two smaller than n. The prefixes keep a node from being taken for
 * a leaf.
 */
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

function hashLeaf(data: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([LEAF, data]), 'buffer');
}

function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([NODE, left, right]), 'buffer');
}

/**
 * A tree that grows at its right end, of which only the roots of its full subtrees are kept: as many as its size has
 * binary ones. Adding n leaves costs n hashes, however large the tree is.
 */
export class MerkleTree {
  #size: number;
  /** Roots of the full subtrees, the largest first. */
  readonly #full: Uint8Array[];

  /**
   * @param size leaves so far, at most 2^53 - 1
   * @throws RangeError where the roots are not those of a tree of that size
   */
  constructor(size = 0, full: readonly Uint8Array[] = []) {
    if (full.length !== onesOf(size)) throw new RangeError(`a tree of ${size} leaves has other full subtrees`);
    this.#size = size;
    this.#full = [...full];
  }

  get size(): number {
    return this.#size;
  }

  get full(): readonly Uint8Array[] {
    return [...this.#full];
  }

  append(data: Uint8Array): void {
    let node = hashLeaf(data);
    for (let size = this.#size; size % 2 === 1; size = (size - 1) / 2) {
      const left = this.#full.pop();
      if (left === undefined) throw new RangeError('a full subtree is missing');
      node = hashNode(left, node);
    }
    this.#full.push(node);
    this.#size += 1;
  }

  /** The root over all leaves; SHA-256 of nothing where there is none. */
  root(): Buffer {
    const last = this.#full.at(-1);
    if (last === undefined) return hash('sha256', new Uint8Array(), 'buffer');
    return Buffer.from(this.#full.slice(0, -1).reduceRight((right, left) => hashNode(left, right), last));
  }
}

function onesOf(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}
