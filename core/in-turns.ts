/**
 * Does work for each item, of so many at once, and gives the results in the items' order.
 * @throws the first error; nothing is begun after it
 */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(items.length)
  let next = 0
  const take = async (): Promise<void> => {
    try {
      while (next < items.length) {
        const at = next++
        results[at] = await work(items[at]!)
      }
    } catch (error) {
      next = items.length
      throw error
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, take))
  return results
}
