// Memory of books: blocks of powers of two, each size with a list of those that were given back.
//
// Memory map (TypeScript side: book-memory.ts):
//   0     why a call trapped, u32: 0 = a defect, 1 = no memory is left
//   128   by power of two, 4..31: the first free block of that size, u32; 0 = none
//   256   what books and their inputs take

const REASON: usize = 0;
const FREE: usize = 128;
const HEAP: usize = 256;
/** Blocks are a cache line or more, so that no two tables share one. */
const LEAST_POWER: u32 = 6;
const PAGE_POWER: u64 = 16;
const OUT_OF_MEMORY: u32 = 1;

let top: usize = HEAP;

/** Bytes that were ever taken: free blocks count. */
export function takenBytes(): usize {
  return top;
}

/** A block of at least so many bytes; what is in it is undefined. Traps where there is no memory. */
export function alloc(bytes: usize): usize {
  const power = powerOf(bytes);
  const list = FREE + (<usize>power << 2);
  const free = <usize>load<u32>(list);
  if (free != 0) {
    store<u32>(list, load<u32>(free));
    return free;
  }
  const end = <u64>top + (<u64>1 << power);
  const missing = <i64>end - (<i64>memory.size() << PAGE_POWER);
  if (missing > 0) {
    // A good part more than needed: growing costs the views of this memory.
    const pages = <i32>((missing + 0xffff) >> PAGE_POWER);
    if (memory.grow(max(pages, memory.size() >> 3)) < 0 && memory.grow(pages) < 0) {
      store<u32>(REASON, OUT_OF_MEMORY);
      unreachable();
    }
  }
  const block = top;
  top = <usize>end;
  return block;
}

/** Likewise, of zeros. */
export function allocZeros(bytes: usize): usize {
  const block = alloc(bytes);
  memory.fill(block, 0, bytes);
  return block;
}

/** Gives a block of so many bytes back. */
export function release(block: usize, bytes: usize): void {
  const list = FREE + (<usize>powerOf(bytes) << 2);
  store<u32>(block, load<u32>(list));
  store<u32>(list, <u32>block);
}

function powerOf(bytes: usize): u32 {
  if (bytes <= 1 << LEAST_POWER) return LEAST_POWER;
  if (bytes > 0x80000000) {
    store<u32>(REASON, OUT_OF_MEMORY);
    unreachable();
  }
  return 32 - clz<u32>(<u32>bytes - 1);
}
