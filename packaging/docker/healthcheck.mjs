// Exit code 0: a broker answers PINGREQ, or at least CONNECT, on HEALTH_PORT of this machine, else where mozzie.conf has it listen.
import { connect } from 'node:net'

const port = Number(process.env.HEALTH_PORT ?? process.env.MOZZIE_PORT ?? 1883)
const patienceMs = 4000
// MQTT 3.1.1, clean session, a name of the broker's making.
const hello = Uint8Array.of(0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 10, 0, 0)

const end = (code) => process.exit(code)
const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(hello))
// Any CONNACK will do: one that asks for a password comes from a broker that works.
socket.on('data', (bytes) => end(bytes[0] === 0x20 ? 0 : 1))
socket.on('error', () => end(1))
socket.on('close', () => end(1))
setTimeout(end, patienceMs, 1)
