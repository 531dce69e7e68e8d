# Objects: a binary tree with rotation by priority, and messages between accounts.


class Node:
    def __init__(self, key, rank):
        self.key = key
        self.rank = rank
        self.left = None
        self.right = None


class Tree:
    def __init__(self):
        self.root = None
        self.size = 0
        self.seed = 12345

    def random(self):
        self.seed = (self.seed * 1103515245 + 12345) & 0x7FFFFFFF
        return self.seed

    def insert(self, key):
        self.root = self._insert(self.root, key)

    def _insert(self, node, key):
        if node is None:
            self.size += 1
            return Node(key, self.random())
        if key < node.key:
            node.left = self._insert(node.left, key)
            if node.left.rank > node.rank:
                top = node.left
                node.left = top.right
                top.right = node
                return top
        elif key > node.key:
            node.right = self._insert(node.right, key)
            if node.right.rank > node.rank:
                top = node.right
                node.right = top.left
                top.left = node
                return top
        return node

    def depth(self, node):
        if node is None:
            return 0
        return 1 + max(self.depth(node.left), self.depth(node.right))


class Account:
    def __init__(self, owner, balance):
        self.owner = owner
        self.balance = balance
        self.history = []

    def pay(self, other, amount):
        if amount > self.balance:
            return False
        self.balance -= amount
        other.receive(self, amount)
        return True

    def receive(self, sender, amount):
        self.balance += amount
        self.history.append((sender.owner, amount))


class Savings(Account):
    def __init__(self, owner, balance, rate):
        super().__init__(owner, balance)
        self.rate = rate

    def receive(self, sender, amount):
        super().receive(sender, amount + amount // self.rate)


def work(size):
    tree = Tree()
    for _ in range(size):
        tree.insert(tree.random() % (size * 4))
    accounts = [Account(i, 1000) if i % 3 else Savings(i, 1000, 20) for i in range(20)]
    paid = 0
    for i in range(size * 2):
        if accounts[i % 20].pay(accounts[(i * 7 + 3) % 20], i % 50):
            paid += 1
    return tree.size + paid + sum([account.balance for account in accounts])
