
import numpy as np
from footfall.log.embedded import EmbeddedLog
from footfall.log.base import Commit, StreamSettings
from footfall.core.errors import UsageError
from footfall.log.codecs import json as flat
from footfall.log.codecs.base import Decoded
from footfall.log.kafka import KafkaLog, KafkaSettings

class CP:
    def __init__(self, d):
        self.log = EmbeddedLog.open(d)
    def position(self, group, stream, partition):
        try: return self.log.position(group, stream, partition)
        except UsageError:
            self.log.create(stream, StreamSettings(partitions=64)); return self.log.position(group, stream, partition)
    def state(self, g, p): return self.log.state(g, p)
    def groups(self): return self.log.groups()
    def save(self, positions, state):
        for one in positions: self.position(one.group, one.stream, one.partition)
        self.log.commit(Commit(positions=positions, state=state))
    def delete_group(self, g): self.log.delete_group(g)
    def close(self): self.log.close()

class Plain:
    name = "json"
    def encode(self, stream, batch): return flat.encode(batch)
    def decode(self, stream, messages, *, schema, keys=None):
        batch, bad = flat.decode(messages, schema)
        b = {x.index for x in bad}
        return Decoded(batch, np.array([i for i in range(len(messages)) if i not in b], dtype=np.int64), bad)

def open_kafka(address, directory):
    return KafkaLog(KafkaSettings.parse(address), codec=Plain(), checkpoints=CP(directory))
