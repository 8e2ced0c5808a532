/** Sparkplug B: a Protobuf payload of metrics, by the field numbers of the specification. */
import { decodeProtobuf } from './protobuf.ts'

const SOURCE = `syntax = "proto2";
message Payload {
  message PropertyValue {
    optional uint32 type = 1;
    optional bool is_null = 2;
    optional uint32 int_value = 3;
    optional uint64 long_value = 4;
    optional float float_value = 5;
    optional double double_value = 6;
    optional bool boolean_value = 7;
    optional string string_value = 8;
  }
  message PropertySet {
    repeated string keys = 1;
    repeated PropertyValue values = 2;
  }
  message Metric {
    optional string name = 1;
    optional uint64 alias = 2;
    optional uint64 timestamp = 3;
    optional uint32 datatype = 4;
    optional bool is_historical = 5;
    optional bool is_transient = 6;
    optional bool is_null = 7;
    optional PropertySet properties = 9;
    optional uint32 int_value = 10;
    optional uint64 long_value = 11;
    optional float float_value = 12;
    optional double double_value = 13;
    optional bool boolean_value = 14;
    optional string string_value = 15;
    optional bytes bytes_value = 16;
  }
  optional uint64 timestamp = 1;
  repeated Metric metrics = 2;
  optional uint64 seq = 3;
  optional string uuid = 4;
  optional bytes body = 5;
}`

const SCHEMA = {
  id: '',
  name: 'Sparkplug B',
  kind: 'protobuf',
  source: SOURCE,
  messageType: '',
} as const

/** Throws DecodeError. */
export function decodeSparkplug(bytes: Uint8Array): unknown {
  return decodeProtobuf(bytes, SCHEMA)
}
