#: hello
print("hello")
#: fail
def f():
    raise ValueError("x")
f()
