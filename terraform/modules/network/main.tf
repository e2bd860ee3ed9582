# A closed network in two or three zones. Functions are in private subnets and reach AWS services
# through endpoints; what keeps data is in isolated ones, from which nothing leads anywhere; public
# ones are there only where there is a NAT gateway to put into them.

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  zones = { for index, zone in var.zones : zone => index }

  # Which zones have a NAT gateway, and which one each zone's private subnet uses.
  nat_zones = { none = [], one = slice(var.zones, 0, 1), zone = var.zones }[var.nat]
  nat_of    = { for zone in var.zones : zone => contains(local.nat_zones, zone) ? zone : local.nat_zones[0] if length(local.nat_zones) > 0 }
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

resource "aws_subnet" "private" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = "${data.aws_region.current.name}${each.key}"
  cidr_block        = cidrsubnet(var.cidr, 4, each.value)

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_subnet" "isolated" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = "${data.aws_region.current.name}${each.key}"
  cidr_block        = cidrsubnet(var.cidr, 4, 4 + each.value)

  tags = { Name = "${var.name}-isolated-${each.key}" }
}

# One for each zone, so that a zone can get a gateway of its own.
resource "aws_route_table" "private" {
  for_each = local.zones

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[each.key].id
}

# Never a route but the one inside the network, which every table has.
resource "aws_route_table" "isolated" {
  vpc_id = aws_vpc.this.id
  route  = []

  tags = { Name = "${var.name}-isolated" }
}

resource "aws_route_table_association" "isolated" {
  for_each = aws_subnet.isolated

  subnet_id      = each.value.id
  route_table_id = aws_route_table.isolated.id
}
