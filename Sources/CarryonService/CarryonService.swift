// CarryonService
