# A security group for each role, which names its peers by group.

locals {
  # Peers are reached from their clients' group; all clients may also reach the AWS endpoints.
  peer_groups = merge([
    for peer, port in var.peers : {
      (peer)            = "Serves ${peer} on port ${port}."
      "${peer}-clients" = "May reach ${peer}."
    }
  ]...)
  groups = merge(local.peer_groups, {
    aws-clients = "May reach AWS services through the endpoints."
    aws         = "The interface endpoints of AWS services."
  })

  # Each flow is let out at its source and in at its destination, and nothing else is.
  flows = merge(
    { for peer, port in var.peers : peer => { source = "${peer}-clients", destination = peer, port = port } },
    { aws = { source = "aws-clients", destination = "aws", port = 443 } },
  )
}

# Closed: it has no rules.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-default-closed" }
}

resource "aws_security_group" "this" {
  for_each = local.groups

  name        = "${var.name}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_security_group_egress_rule" "flow" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.source].id
  referenced_security_group_id = aws_security_group.this[each.value.destination].id
  description                  = "To ${each.value.destination}."
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_ingress_rule" "flow" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.destination].id
  referenced_security_group_id = aws_security_group.this[each.value.source].id
  description                  = "From ${each.value.source}."
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}
