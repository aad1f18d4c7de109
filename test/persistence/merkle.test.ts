import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MerkleTree } from '../../src/persistence/merkle.ts';
import { runs } from '../support/arbitraries.ts';

const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];

/** The roots over the first 1 to 8 of these leaves, as the reference implementation of Certificate Transparency has them. */
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const sha = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();

/** The definition as RFC 6962 writes it. */
function rootOf(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha();
  if (leaves.length === 1) return sha(Uint8Array.of(0), leaves[0] ?? new Uint8Array());
  let left = 1;
  while (left * 2 < leaves.length) left *= 2;
  return sha(Uint8Array.of(1), rootOf(leaves.slice(0, left)), rootOf(leaves.slice(left)));
}

const anyLeaves = fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 70 });

test('the roots are those of Certificate Transparency', () => {
  const tree = new MerkleTree();
  const roots = LEAVES.map((leaf) => {
    tree.append(Buffer.from(leaf, 'hex'));
    return tree.root().toString('hex');
  });
  expect(roots).toEqual(ROOTS);
});

test('a tree that grew, also from where it was left, has the root that the definition gives', () => {
  const property = fc.property(anyLeaves, fc.nat(), (leaves, pause) => {
    let tree = new MerkleTree();
    leaves.forEach((leaf, at) => {
      if (at === pause % (leaves.length + 1)) tree = new MerkleTree(tree.size, tree.full);
      tree.append(leaf);
    });
    expect(tree.root()).toEqual(rootOf(leaves));
    expect(tree.size).toBe(leaves.length);
  });
  fc.assert(property, runs());
});

test('any other leaf, and any leaf less, gives another root', () => {
  const property = fc.property(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 40 }), fc.nat(), (texts, nat) => {
    const leaves = texts.map((text) => Buffer.from(text));
    const at = nat % leaves.length;
    const grown = (all: readonly Uint8Array[]) => {
      const tree = new MerkleTree();
      for (const leaf of all) tree.append(leaf);
      return tree.root();
    };
    const changed = leaves.with(at, Buffer.concat([leaves[at] ?? Buffer.alloc(0), Buffer.from('+')]));
    expect(grown(changed)).not.toEqual(grown(leaves));
    expect(grown(leaves.toSpliced(at, 1))).not.toEqual(grown(leaves));
  });
  fc.assert(property, runs());
});

test('subtrees that are none of a tree of that size are refused', () => {
  expect(() => new MerkleTree(3, [Buffer.alloc(32)])).toThrow(RangeError);
});
