"""The FastAPI application that scripts/prove-import serves: what such applications commonly hold.

Its log-in is an OAuth2 form, or JSON under a bearer scheme if LOGIN is "json". Needs fastapi, uvicorn, pyjwt and
python-multipart.
"""

import datetime
import enum
import os
import uuid
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, File, HTTPException, Query, UploadFile
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import BaseModel, Field

SECRET = "a secret of this process only, long enough for HS256"
USER, PASSWORD = "load@example.com", "correct horse"

app = FastAPI(title="Shop", version="1.4.0")


class Status(str, enum.Enum):
    open = "open"
    paid = "paid"


class ItemIn(BaseModel):
    name: str = Field(min_length=3, max_length=40, examples=["lamp"])
    price: float = Field(gt=0)
    tags: list[str] = []


class Item(ItemIn):
    id: int


class Customer(BaseModel):
    customer_id: uuid.UUID
    email: str


class Order(BaseModel):
    id: int
    status: Status
    customer: Customer
    lines: list[Item]


class OrderPage(BaseModel):
    total: int
    items: list[Order]


class Node(BaseModel):
    name: str
    parent: "Node | None" = None
    children: list["Node"] = []


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"


class Credentials(BaseModel):
    email: str
    password: str


ITEMS = {number: Item(id=number, name=f"item {number}", price=number) for number in range(1, 41)}
CUSTOMERS = [Customer(customer_id=uuid.UUID(int=number), email=f"c{number}@example.com") for number in range(1, 6)]
ORDERS = {
    number: Order(id=number, status=Status.open, customer=CUSTOMERS[number % 5], lines=[ITEMS[number]])
    for number in range(1, 21)
}


def issue(user, password):
    if (user, password) != (USER, PASSWORD):
        raise HTTPException(401, "wrong user or password")
    expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=15)
    return Token(access_token=jwt.encode({"sub": user, "exp": expires}, SECRET, algorithm="HS256"))


def check(token):
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"])["sub"]
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, str(error)) from error


if os.environ.get("LOGIN") == "json":

    @app.post("/api/auth/login", tags=["auth"])
    def log_in(credentials: Credentials) -> Token:
        return issue(credentials.email, credentials.password)

    def user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
        return check(credentials.credentials)

else:

    @app.post("/token", tags=["auth"])
    def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Token:
        return issue(form.username, form.password)

    def user(token: Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="token"))]) -> str:
        return check(token)


User = Annotated[str, Depends(user)]


@app.get("/health", tags=["meta"])
async def health():
    return {"status": "ok"}


@app.get("/me", tags=["auth"])
async def me(name: User):
    return {"name": name}


@app.get("/items/", tags=["items"])
async def list_items(
    _: User,
    skip: int = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    q: str | None = None,
    tag: Annotated[list[str], Query()] = ["a", "b"],
) -> list[Item]:
    return list(ITEMS.values())[skip : skip + limit]


@app.post("/items/", status_code=201, tags=["items"])
async def create_item(_: User, item: ItemIn) -> Item:
    number = len(ITEMS) + 1
    ITEMS[number] = Item(id=number, **item.model_dump())
    return ITEMS[number]


@app.get("/items/{item_id}", tags=["items"])
async def read_item(_: User, item_id: int) -> Item:
    if item_id not in ITEMS:
        raise HTTPException(404)
    return ITEMS[item_id]


@app.put("/items/{item_id}", tags=["items"])
async def replace_item(_: User, item_id: int, item: ItemIn) -> Item:
    ITEMS[item_id] = Item(id=item_id, **item.model_dump())
    return ITEMS[item_id]


@app.delete("/items/{item_id}", status_code=204, tags=["items"])
async def remove_item(_: User, item_id: int) -> None:
    ITEMS.pop(item_id, None)


@app.get("/orders", tags=["orders"])
async def list_orders(_: User, status: Status, page: Annotated[int, Query(ge=1)] = 1) -> OrderPage:
    return OrderPage(total=len(ORDERS), items=list(ORDERS.values()))


@app.get("/orders/{order_id}", tags=["orders"])
async def read_order(_: User, order_id: int) -> Order:
    if order_id not in ORDERS:
        raise HTTPException(404)
    return ORDERS[order_id]


@app.get("/orders/{order_id}/lines/{line_no}", tags=["orders"])
async def read_line(_: User, order_id: int, line_no: int) -> Item:
    lines = ORDERS[order_id].lines
    if not 0 < line_no <= len(lines):
        raise HTTPException(404)
    return lines[line_no - 1]


@app.get("/customers", tags=["customers"])
async def list_customers(_: User) -> list[Customer]:
    return CUSTOMERS


@app.get("/customers/{customer_id}", tags=["customers"])
async def read_customer(_: User, customer_id: uuid.UUID) -> Customer:
    found = [customer for customer in CUSTOMERS if customer.customer_id == customer_id]
    if not found:
        raise HTTPException(404)
    return found[0]


@app.get("/by-status/{status}")
async def by_status(_: User, status: Status) -> int:
    return sum(order.status == status for order in ORDERS.values())


@app.get("/reports/daily")
async def report(_: User, day: datetime.date, currency: Annotated[str, Query(min_length=3, max_length=3)] = "EUR"):
    return {"day": day, "currency": currency}


@app.get("/search")
async def search(_: User, q: Annotated[str, Query(min_length=8)]):
    return {"q": q}


@app.get("/files/{file_path:path}")
async def read_file(_: User, file_path: str):
    raise HTTPException(404)


@app.post("/upload")
async def upload(_: User, file: Annotated[UploadFile, File()]):
    return {"size": file.size}


@app.post("/tree")
async def tree(_: User, node: Node):
    return node


@app.get("/old", deprecated=True)
async def old():
    raise HTTPException(410)
