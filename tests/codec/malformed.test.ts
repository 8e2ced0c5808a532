import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DecodeOptions } from '../../src/codec/decode-options.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { readFrame, type FrameHeader } from '../../src/codec/frame.ts'
import type { Version } from '../../src/codec/packets.ts'
import { ProtocolError } from '../../src/codec/protocol-error.ts'
import { fromHex } from './fixture.ts'

type Row = readonly [name: string, version: Version, hex: string, reason: number]

const CLIENT: DecodeOptions = { fromClient: true }
const SERVER: DecodeOptions = { fromClient: false }

/** A frame around `body`; lengths below 128. */
function frame(first: string, body: string): string {
  const bytes = fromHex(body).length
  assert.ok(bytes < 128)
  return `${first} ${bytes.toString(16).padStart(2, '0')} ${body}`
}

function connect(level: string, flags: string, rest: string, name = '0004 4d515454'): string {
  return frame('10', `${name} ${level} ${flags} 003c ${rest}`)
}

/** A PUBLISH 5.0 at QoS 0 to `a` with these properties. */
function publish(length: string, properties: string): string {
  return frame('30', `0001 61 ${length} ${properties}`)
}

const HEADER: readonly Row[] = [
  ['packet type 0', 4, '00 00', 0x81],
  ['AUTH in 3.1.1', 4, 'f0 00', 0x81],
  ['AUTH in 3.1', 3, 'f0 00', 0x81],
  ['remaining length of 5 bytes', 4, '30 ff ff ff ff 7f', 0x81],
  ['remaining length that is padded', 4, '10 8d 00', 0x81],
  ['remaining length of 0 in four bytes', 5, '30 80 80 80 00', 0x81],
  ['SUBSCRIBE with flags 0', 4, '80 06 0001 0001 61 00', 0x81],
  ['SUBSCRIBE 5.0 with flags 0', 5, '80 07 0001 00 0001 61 00', 0x81],
  ['UNSUBSCRIBE with flags 0', 4, 'a0 05 0001 0001 61', 0x81],
  ['PUBREL with flags 0', 4, '60 02 0001', 0x81],
  ['PUBACK with flags 2', 5, '42 02 0001', 0x81],
  ['PINGREQ with flags 1', 4, 'c1 00', 0x81],
  ['DISCONNECT with flags 1', 5, 'e1 00', 0x81],
  ['CONNECT with flags 1, whatever the version', 3, '11 00', 0x81],
  ['PUBLISH with QoS 3', 4, '36 05 0001 61 0001', 0x81],
  ['PUBLISH with QoS 3 in 3.1', 3, '36 05 0001 61 0001', 0x81],
  ['PUBLISH with DUP at QoS 0', 4, '38 03 0001 61', 0x81],
]

const CONNECT: readonly Row[] = [
  ['unknown protocol name', 4, connect('04', '02', '0001 63', '0004 4d515458'), 0x82],
  ['protocol name in small letters', 4, connect('04', '02', '0001 63', '0004 6d717474'), 0x82],
  ['empty protocol name', 4, connect('04', '02', '0001 63', '0000'), 0x82],
  ['level 6', 4, connect('06', '02', '0001 63'), 0x84],
  ['level 3 by the name of 3.1.1', 4, connect('03', '02', '0001 63'), 0x84],
  ['level 4 by the name of 3.1', 4, connect('04', '02', '0001 63', '0006 4d5149736470'), 0x84],
  ['bridge bit in 5.0', 4, connect('85', '02', '00 0001 63'), 0x84],
  ['reserved flag', 4, connect('04', '03', '0001 63'), 0x81],
  ['reserved flag 5.0', 5, connect('05', '03', '00 0001 63'), 0x81],
  ['will with QoS 3', 4, connect('04', '1e', '0001 63 0001 77 0000'), 0x81],
  ['will QoS without will', 4, connect('04', '0a', '0001 63'), 0x82],
  ['will retain without will', 4, connect('04', '22', '0001 63'), 0x82],
  ['password without user', 4, connect('04', '42', '0001 63 0001 70'), 0x82],
  ['password without user 3.1', 3, '10 12 0006 4d5149736470 03 42 003c 0001 63 0001 70', 0x82],
  ['will topic with #', 4, connect('04', '06', '0001 63 0001 23 0000'), 0x82],
  ['will topic with +', 5, connect('05', '06', '00 0001 63 00 0003 612f2b 0000'), 0x82],
  ['empty will topic', 4, connect('04', '06', '0001 63 0000 0000'), 0x82],
  ['trailing byte', 4, connect('04', '02', '0001 63 00'), 0x81],
  ['user missing', 4, connect('04', '82', '0001 63'), 0x81],
  ['client id past the end', 4, connect('04', '02', '0009 63'), 0x81],
  ['will payload past the end', 4, connect('04', '06', '0001 63 0001 77 ffff 00'), 0x81],
  ['receive maximum 0', 5, connect('05', '02', '03 210000 0001 63'), 0x82],
  ['maximum packet size 0', 5, connect('05', '02', '05 2700000000 0001 63'), 0x82],
  ['request problem information 2', 5, connect('05', '02', '02 1702 0001 63'), 0x82],
  ['request response information 2', 5, connect('05', '02', '02 1902 0001 63'), 0x82],
  ['session expiry twice', 5, connect('05', '02', '0a 1100000001 1100000001 0001 63'), 0x82],
  ['authentication data alone', 5, connect('05', '02', '04 16000101 0001 63'), 0x82],
  ['topic alias', 5, connect('05', '02', '03 230001 0001 63'), 0x81],
  ['will delay among its own', 5, connect('05', '02', '05 1800000001 0001 63'), 0x81],
  ['unknown property', 5, connect('05', '02', '02 7f00 0001 63'), 0x81],
  ['property id of two bytes', 5, connect('05', '02', '03 910000 0001 63'), 0x81],
  ['properties past the end', 5, connect('05', '02', '7f 1100000001 0001 63'), 0x81],
  ['property past the properties', 5, connect('05', '02', '03 110000 0001 0001 63'), 0x81],
  ['property length of five bytes', 5, connect('05', '02', 'ffffffff01 0001 63'), 0x81],
  ['property length padded', 5, connect('05', '02', '8000 0001 63'), 0x81],
  ['will with receive maximum', 5, connect('05', '06', '00 0001 63 03 210001 0001 77 0000'), 0x81],
  ['will payload format 2', 5, connect('05', '06', '00 0001 63 02 0102 0001 77 0000'), 0x82],
  ['will response topic #', 5, connect('05', '06', '00 0001 63 04 08000123 0001 77 0000'), 0x82],
  ['U+0000 in client id', 4, connect('04', '02', '0001 00'), 0x81],
  ['U+0000 in user', 4, connect('04', '82', '0001 63 0001 00'), 0x81],
  ['overlong in will topic', 4, connect('04', '06', '0001 63 0002 c080 0000'), 0x81],
  ['surrogate in method', 5, connect('05', '02', '06 150003eda080 0001 63'), 0x81],
  ['cut sequence in user property', 5, connect('05', '02', '07 260000 0002f09f 0001 63'), 0x81],
]

const PUBLISH: readonly Row[] = [
  ['empty topic', 4, '30 02 0000', 0x82],
  ['empty topic without alias', 5, '30 03 0000 00', 0x82],
  ['topic past the end', 4, '30 04 0005 6161', 0x81],
  ['topic length cut', 4, '30 01 00', 0x81],
  ['packet id 0', 4, '32 05 0001 61 0000', 0x82],
  ['packet id cut', 4, '32 04 0001 61 00', 0x81],
  ['no property length', 5, '30 03 0001 61', 0x81],
  ['property length past the end', 5, publish('05', '01 01'), 0x81],
  ['property length padded', 5, publish('80 00', ''), 0x81],
  ['property length of five bytes', 5, publish('ff ff ff ff 01', ''), 0x81],
  ['payload format 2', 5, publish('02', '0102'), 0x82],
  ['payload format twice', 5, publish('04', '0101 0101'), 0x82],
  ['expiry twice', 5, publish('0a', '0200000001 0200000001'), 0x82],
  ['expiry cut by the properties', 5, publish('03', '020000 0001'), 0x81],
  ['content type twice', 5, publish('06', '030000 030000'), 0x82],
  ['response topic twice', 5, publish('08', '08000161 08000161'), 0x82],
  ['response topic with +', 5, publish('04', '0800012b'), 0x82],
  ['response topic with #', 5, publish('06', '080003612f23'), 0x82],
  ['response topic empty', 5, publish('03', '080000'), 0x82],
  ['correlation data twice', 5, publish('06', '090000 090000'), 0x82],
  ['correlation data past the properties', 5, publish('04', '090002 00 00'), 0x81],
  ['alias 0', 5, publish('03', '230000'), 0x94],
  ['alias twice', 5, publish('06', '230001 230002'), 0x82],
  ['alias cut', 5, publish('02', '2300'), 0x81],
  ['session expiry', 5, publish('05', '1100000001'), 0x81],
  ['unknown property', 5, publish('02', '0401'), 0x81],
  ['a client sends a subscription id', 5, publish('02', '0b01'), 0x82],
  ['bad UTF-8 in content type', 5, publish('05', '030002 c0af'), 0x81],
  ['bad UTF-8 in user property value', 5, publish('08', '26000161 0001 ff'), 0x81],
  ['U+0000 in response topic', 5, publish('04', '08000100'), 0x81],
  ['U+0000 in topic', 4, '30 03 0001 00', 0x81],
  ['surrogate in topic', 4, '30 05 0003 eda080', 0x81],
  ['above U+10FFFF in topic', 5, '30 07 0004 f4908080 00', 0x81],
]

const ACKS: readonly Row[] = [
  ['PUBACK of 1 byte', 4, '40 01 00', 0x81],
  ['PUBACK 3.1.1 with reason', 4, '40 03 0001 00', 0x81],
  ['PUBREL 3.1 with trailing byte', 3, '62 03 0001 00', 0x81],
  ['PUBACK id 0', 4, '40 02 0000', 0x82],
  ['PUBREL id 0', 5, '62 02 0000', 0x82],
  ['PUBACK reason of PUBREL', 5, '40 03 0001 92', 0x82],
  ['PUBREL reason of PUBACK', 5, '62 03 0001 10', 0x82],
  ['PUBCOMP reason unknown', 5, '70 03 0001 ff', 0x82],
  ['PUBREC reason of SUBACK', 5, '50 03 0001 01', 0x82],
  ['PUBACK property of another packet', 5, '40 09 0001 00 05 1100000001', 0x81],
  ['PUBACK trailing byte', 5, '40 05 0001 00 00 00', 0x81],
  ['PUBACK reason string twice', 5, '40 0a 0001 00 06 1f0000 1f0000', 0x82],
  ['PUBACK bad UTF-8', 5, '40 08 0001 00 04 1f0001 80', 0x81],
]

const SUBSCRIPTIONS: readonly Row[] = [
  ['SUBSCRIBE to nothing', 4, '82 02 0001', 0x82],
  ['SUBSCRIBE 5.0 to nothing', 5, '82 03 0001 00', 0x82],
  ['SUBSCRIBE id 0', 4, '82 06 0000 0001 61 00', 0x82],
  ['SUBSCRIBE without options', 4, '82 05 0001 0001 61', 0x81],
  ['SUBSCRIBE QoS 3', 4, '82 06 0001 0001 61 03', 0x81],
  ['SUBSCRIBE 5.0 QoS 3', 5, '82 07 0001 00 0001 61 03', 0x82],
  ['SUBSCRIBE 3.1.1 with 5.0 options', 4, '82 06 0001 0001 61 04', 0x81],
  ['SUBSCRIBE reserved bit 6', 5, '82 07 0001 00 0001 61 40', 0x81],
  ['SUBSCRIBE reserved bit 7', 5, '82 07 0001 00 0001 61 80', 0x81],
  ['SUBSCRIBE retain handling 3', 5, '82 07 0001 00 0001 61 30', 0x82],
  ['SUBSCRIBE no local, shared', 5, '82 10 0001 00 000a 2473686172652f672f61 04', 0x82],
  ['SUBSCRIBE subscription id 0', 5, '82 09 0001 02 0b00 0001 61 00', 0x82],
  ['SUBSCRIBE two subscription ids', 5, '82 0b 0001 04 0b01 0b02 0001 61 00', 0x82],
  ['SUBSCRIBE subscription id of 5 bytes', 5, '82 0d 0001 06 0bffffffff01 0001 61 00', 0x81],
  ['SUBSCRIBE filter past the end', 4, '82 06 0001 0009 61 00', 0x81],
  ['SUBSCRIBE filter of bad UTF-8', 4, '82 06 0001 0001 ff 00', 0x81],
  ['UNSUBSCRIBE from nothing', 4, 'a2 02 0001', 0x82],
  ['UNSUBSCRIBE id 0', 4, 'a2 05 0000 0001 61', 0x82],
  ['UNSUBSCRIBE filter cut', 5, 'a2 05 0001 00 0001', 0x81],
  ['UNSUBSCRIBE with a subscription id', 5, 'a2 08 0001 02 0b01 0001 61', 0x81],
  ['SUBACK without codes', 4, '90 02 0001', 0x82],
  ['SUBACK 3.1.1 with a 5.0 code', 4, '90 03 0001 87', 0x82],
  ['SUBACK 5.0 with a code of UNSUBACK', 5, '90 04 0001 00 11', 0x82],
  ['SUBACK id 0', 4, '90 03 0000 00', 0x82],
  ['UNSUBACK with a body', 4, 'b0 03 0001 00', 0x81],
  ['UNSUBACK 5.0 without codes', 5, 'b0 03 0001 00', 0x82],
  ['UNSUBACK 5.0 with a granted QoS', 5, 'b0 04 0001 00 01', 0x82],
]

const REST: readonly Row[] = [
  ['CONNACK reserved flags', 4, '20 02 02 00', 0x81],
  ['CONNACK return code 6', 4, '20 02 00 06', 0x82],
  ['CONNACK 5.0 code of DISCONNECT', 5, '20 03 00 8e 00', 0x82],
  ['CONNACK that refuses with a session', 5, '20 03 01 87 00', 0x82],
  ['CONNACK maximum QoS 2', 5, '20 05 00 00 02 2402', 0x82],
  ['CONNACK retain available 2', 5, '20 05 00 00 02 2502', 0x82],
  ['CONNACK authentication data alone', 5, '20 07 00 00 04 16000101', 0x82],
  ['CONNACK trailing byte', 4, '20 03 00 00 00', 0x81],
  ['PINGREQ with a body', 4, 'c0 01 00', 0x81],
  ['PINGRESP with a body', 5, 'd0 01 00', 0x81],
  ['DISCONNECT 3.1.1 with a body', 4, 'e0 01 00', 0x81],
  ['DISCONNECT reason unknown', 5, 'e0 01 05', 0x82],
  ['DISCONNECT with receive maximum', 5, 'e0 05 00 03 210001', 0x81],
  ['DISCONNECT that crashed a broker', 5, 'e0 02 00 20', 0x81],
  ['DISCONNECT trailing byte', 5, 'e0 03 00 00 00', 0x81],
  ['AUTH without method', 5, 'f0 02 18 00', 0x82],
  ['AUTH data without method', 5, 'f0 05 18 03 160000', 0x82],
  ['AUTH reason unknown', 5, 'f0 01 01', 0x82],
  ['AUTH method twice', 5, 'f0 0a 18 08 15000161 15000161', 0x82],
]

const BY_CLIENT: readonly Row[] = [
  ['DISCONNECT: session taken over', 5, 'e0 01 8e', 0x82],
  ['AUTH: success', 5, 'f0 06 00 04 15000161', 0x82],
]

const BY_SERVER: readonly Row[] = [
  ['DISCONNECT with will', 5, 'e0 01 04', 0x82],
  ['DISCONNECT with session expiry', 5, 'e0 07 00 05 1100000001', 0x82],
  ['AUTH: re-authenticate', 5, 'f0 06 19 04 15000161', 0x82],
]

function decode(version: Version, hex: string, options: DecodeOptions): void {
  const bytes = fromHex(hex)
  const header: FrameHeader = { first: 0, bodyStart: -1, frameEnd: -1 }
  // The length in a row may deliberately lie; then the body is what there is.
  readFrame(bytes, 0, bytes.length, header)
  decodePacket(version, header.first, bytes, header.bodyStart, bytes.length, options)
}

function refuses(group: string, rows: readonly Row[], options: DecodeOptions): void {
  for (const [name, version, hex, reason] of rows) {
    test(`${group}: ${name}, version ${version}, is refused with 0x${reason.toString(16)}`, () => {
      assert.throws(
        () => decode(version, hex, options),
        (error) => error instanceof ProtocolError && error.reason === reason,
      )
    })
  }
}

refuses('header', HEADER, CLIENT)
refuses('CONNECT', CONNECT, CLIENT)
refuses('PUBLISH', PUBLISH, CLIENT)
refuses('acknowledgement', ACKS, {})
refuses('subscription', SUBSCRIPTIONS, {})
refuses('rest', REST, {})
refuses('by a client', BY_CLIENT, CLIENT)
refuses('by a server', BY_SERVER, SERVER)

/** What is only wrong from the other side, later, or to other eyes. */
const ACCEPTED: readonly Row[] = [
  ['reserved flags in 3.1', 3, '80 06 0001 0001 61 00', 0],
  ['reserved connect flag in 3.1', 3, '10 0f 0006 4d5149736470 03 03 003c 0001 63', 0],
  ['user missing in 3.1', 3, '10 0f 0006 4d5149736470 03 82 003c 0001 63', 0],
  ['empty client id', 4, connect('04', '00', '0000'), 0],
  ['PUBACK 5.0 with empty properties', 5, '40 04 0001 10 00', 0],
  ['DISCONNECT 5.0 with empty properties', 5, 'e0 02 00 00', 0],
  ['bad filter syntax', 4, '82 07 0001 0002 6123 00', 0],
  ['payload that is not UTF-8', 5, publish('02', '0101 ff'), 0],
  ['one user property name twice', 5, publish('0e', '26000161000162 26000161000162'), 0],
]

for (const [name, version, hex] of ACCEPTED) {
  test(`the decoder accepts: ${name}, version ${version}`, () => {
    assert.doesNotThrow(() => decode(version, hex, CLIENT))
  })
}

test('a subscription identifier from a server is accepted', () => {
  assert.doesNotThrow(() => decode(5, publish('02', '0b01'), SERVER))
})
