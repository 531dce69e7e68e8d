# Dictionaries: word counts, memo tables, graphs as adjacency dicts, records.
WORDS = "the of and to in is you that it he was for on are as with his they at be".split()


def count_words(repeat):
    counts = {}
    for i in range(repeat):
        for word in WORDS:
            counts[word] = counts.get(word, 0) + 1
            if word in counts and i % 3 == 0:
                counts[word] += 1
    return counts


def paths(size):
    graph = {}
    for i in range(size):
        graph[i] = {(i * 3 + 1) % size: 2, (i + 7) % size: 5, (i * i) % size: 1}
    best = {0: 0}
    pending = [0]
    while pending:
        node = pending.pop(0)
        cost = best[node]
        edges = graph[node]
        for other in edges:
            reach = cost + edges[other]
            if other not in best or reach < best[other]:
                best[other] = reach
                pending.append(other)
    return sum(best.values())


def memo(limit):
    known = {}

    def ways(n, largest):
        if n == 0:
            return 1
        if n < 0 or largest == 0:
            return 0
        key = n * 64 + largest
        if key not in known:
            known[key] = ways(n - largest, largest) + ways(n, largest - 1)
        return known[key]

    return ways(limit, limit)


def work(size):
    total = 0
    counts = count_words(size * 4)
    for key, value in sorted(counts.items()):
        total += len(key) * value
    total += paths(size)
    total += memo(60)
    table = {}
    for i in range(size * 10):
        table["key%d" % (i % 50)] = i
        if i % 7 == 0:
            table.pop("key%d" % (i % 50))
    return total + len(table)
