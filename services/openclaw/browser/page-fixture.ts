import { type RequestListener, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface PageFixture {
  readonly origin: string
  readonly asked: string[]
  close(): Promise<void>
}

/** A site on a loopback port that the system chooses, for tests. */
export async function startPageFixture(answer: RequestListener): Promise<PageFixture> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
