/** The npm package aedes as a broker on 127.0.0.1: `aedes.js PORT`. */
import { createServer } from 'node:net'
import { Aedes } from 'aedes'

const broker = await Aedes.createBroker()
const server = createServer({ noDelay: true }, (socket) => {
  broker.handle(socket)
})
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 })
